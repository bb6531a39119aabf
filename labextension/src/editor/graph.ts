/**
 * What the canvas, the outline and the forms see of a pipeline: plain values, made from YAML text by
 * `document.ts` or from a job by `monitor.ts`. Nothing here knows a user interface or a parser.
 */
import type { State } from '../status';

/** How bad a problem is. */
export type Severity = 'error' | 'warning' | 'notice';

/** One finding about the text, from the editor's own reading or the server's. */
export interface Problem {
  code: string;
  message: string;
  hint: string;
  severity: Severity;
  /** Offsets into the text, in UTF-16 units; both 0 where it concerns the whole. */
  from: number;
  to: number;
  /** Line and column, from 1; 0 where unknown. */
  line: number;
  column: number;
  /** The task concerned, if there is one. */
  task?: string;
  /** The place in the data, such as `['tasks', 2, 'resources', 'mem']`. */
  path: readonly (string | number)[];
}

/** What decides whether a task runs, where it says something about that. */
export interface Rules {
  /** Its condition without the braces; empty for none. */
  when: string;
  /** `all_done`, `any_failed`, `one_success`; empty for what is usual. */
  runIf: string;
  /** Whether it runs when all others have ended. */
  isFinal: boolean;
}

/** A task as it is drawn. */
export interface GraphTask {
  name: string;
  /** What kind of card it is: `shell`, `git`, `notebook`, `container`, `serving` … */
  type: string;
  /** The image's short name, empty where the pipeline's default counts. */
  image: string;
  /** Resource chips such as `4 cpu`, `16g`, `1 gpu`. */
  resources: readonly string[];
  /** Names of the tasks that it needs, in order of input1, input2 …; those that are not there are left out. */
  dependencies: readonly string[];
  /** Those of `dependencies` that come from `inputs` or expressions: drawn alike, but not cut by hand. */
  implied: readonly string[];
  skip: boolean;
  rules?: Rules;
  description: string;
  /** Where the task stands in the text, as offsets. */
  from: number;
  to: number;
  /** Pinned position, if the user pinned one. */
  position?: Position;
}

/** A point of the canvas. */
export interface Position {
  x: number;
  y: number;
}

/** A remark on the canvas, beside the tasks. */
export interface Remark {
  id: string;
  text: string;
  position: Position;
}

/** A pipeline as it is drawn. */
export interface Graph {
  name: string;
  description: string;
  tasks: readonly GraphTask[];
  remarks: readonly Remark[];
}

/** What became of a task since a job. */
export type Change = 'added' | 'removed' | 'changed';

/** What a job says of a task, for its card. */
export interface NodeState {
  state: State;
  /** The session's own status name, and the reason in words. */
  status: string;
  reason: string;
  attempts: number;
  startedAt: string | null;
  endedAt: string | null;
  /** 0 … 1 where the task says how far it is, or earlier jobs tell how long it takes; else undefined. */
  progress?: number;
  /** In words, what the task says of how far it is; empty where it says nothing. */
  doing?: string;
  /** The first failing task of a cascade. */
  isCause: boolean;
  /** No job yet: what a plan says a job would do; `reason` says it in words. */
  isPlanned?: boolean;
  /** No job's state, but what is not the same as in a job; `reason` says it in words. */
  change?: Change;
}

/** Whether `to`, which is not final, would come to depend on a final task. */
export function isBehindFinal(graph: Graph, { from, to }: { from: string; to: string }): boolean {
  const isFinal = (name: string): boolean =>
    graph.tasks.find(task => task.name === name)?.rules?.isFinal ?? false;
  return isFinal(from) && !isFinal(to);
}

/** Words of a dependency path: `a → b → a`. */
export function cycleWords(path: readonly string[]): string {
  return path.join(' → ');
}

/** The cycle that an edge `from → to` would close, as names from `to` to `to`; null if it closes none. */
export function cycleClosedBy(graph: Graph, from: string, to: string): string[] | null {
  const needs = new Map(graph.tasks.map(task => [task.name, task.dependencies]));
  const trail = new Map<string, string | null>([[from, null]]);
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) {
      return unwind(trail, to, from);
    }
    for (const next of needs.get(name) ?? []) {
      if (!trail.has(next)) {
        trail.set(next, name);
        open.push(next);
      }
    }
  }
  return null;
}

function unwind(trail: Map<string, string | null>, to: string, from: string): string[] {
  const names: string[] = [];
  for (let name: string | null = to; name !== null; name = trail.get(name) ?? null) {
    names.push(name);
  }
  return from === to ? [to, to] : [...names, to];
}
