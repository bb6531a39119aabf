/** What the editor itself finds wrong, in the words that the server has for it. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { isTaskName, MAX_TASK_NAME, suggestTaskName } from './document_names';
import type { Complaint } from './document_tree';
import { factsOf, twiceIn, type Facts, type Named, type Twice } from './document_facts';
import { isObject, type Source, type TaskPart } from './document_source';
import { cycleWords, type Problem } from './graph';
import { lineStarts, placeAt } from './problems';

type Found = Omit<Problem, 'line' | 'column' | 'severity'>;

/** Names of a cycle that are shown; of longer ones the middle is left out. */
const MOST_NAMES = 24;

/** Everything wrong in `source`, which is no broken text, in the order of the text. */
export function problemsOf(source: Source, trans: TranslationBundle): Problem[] {
  const finder = new Finder(source, trans);
  return placed(source.text, finder.find());
}

/** `found` with lines and columns, in the order of the text. */
export function placed(text: string, found: readonly Found[]): Problem[] {
  if (!found.length) {
    return [];
  }
  const starts = lineStarts(text);
  return found
    .map(one => ({ ...one, severity: 'error' as const, ...placeAt(text, starts, one.from) }))
    .sort((one, other) => one.from - other.from);
}

class Finder {
  private readonly found: Found[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly source: Source,
    private readonly trans: TranslationBundle
  ) {}

  find(): Found[] {
    const { data } = this.source;
    if (!isObject(data)) {
      this.topLevel();
      return this.found;
    }
    if (!('name' in data)) {
      this.tell(
        'missing-key',
        this.trans.__('the pipeline has no name'),
        this.trans.__('add name: my-pipeline'),
        [0, 0],
        []
      );
    }
    if (!Array.isArray(data.tasks) || !data.tasks.length) {
      this.noTasks('tasks' in data);
    }
    this.twiceAtTop();
    this.source.tasks.forEach((task, number) => this.names(task, number));
    this.source.tasks.forEach((task, number) => this.needs(task, number));
    this.cycles();
    return this.found;
  }

  private topLevel(): void {
    const { trans, source } = this;
    if (source.root === null) {
      const hint = trans.__('a pipeline needs at least a name and tasks');
      this.tell('empty', trans.__('the file is empty'), hint, [0, 0], []);
    } else {
      const hint = trans.__('begin with keys: name: my-pipeline, and tasks: with a list below');
      this.tell(
        'not-a-mapping',
        trans.__('the top level is no mapping'),
        hint,
        [source.root.from, source.root.to],
        []
      );
    }
  }

  private noTasks(isWritten: boolean): void {
    const { trans } = this;
    const message = trans.__('the pipeline has no tasks');
    const hint = trans.__('add one from the palette, or write tasks: and a list below');
    this.tell(isWritten ? 'no-tasks' : 'missing-key', message, hint, [0, 0], isWritten ? ['tasks'] : []);
  }

  private twiceAtTop(): void {
    twiceIn(this.source.top, []).forEach(one => this.twice(one, 0));
  }

  private names(task: TaskPart, number: number): void {
    const facts = factsOf(task);
    const path = ['tasks', number];
    facts.twice.forEach(one => this.twice({ ...one, path: [...path, ...one.path] }, task.base, facts));
    const at: [number, number] = [facts.nameFrom + task.base, facts.nameTo + task.base];
    const { trans } = this;
    if (!facts.isMapping) {
      const message = trans.__('task number %1 is no mapping', number + 1);
      this.tell('wrong-type', message, trans.__('write it as keys: name: …, command: …'), at, path);
    } else if (facts.name === null) {
      const message = trans.__('task number %1 has no name', number + 1);
      this.tell('missing-key', message, trans.__('add name: …'), at, path);
    } else {
      this.name(facts.name, at, [...path, 'name'], number);
    }
  }

  private name(name: string, at: [number, number], path: Problem['path'], number: number): void {
    const { trans } = this;
    if (!isTaskName(name)) {
      const message = trans.__("a task may not be named '%1'", shown(name));
      this.tell('bad-task-name', message, nameHint(name, trans), at, path, name);
    }
    if (this.numbers.has(name)) {
      const message = trans.__("two tasks are named '%1'", name);
      this.tell(
        'duplicate-task',
        message,
        trans.__('give each its own name: dependencies could mean either'),
        at,
        path,
        name
      );
    } else {
      this.numbers.set(name, number);
    }
  }

  private needs(task: TaskPart, number: number): void {
    const { name, needs } = factsOf(task);
    const seen = new Set<string>();
    for (const need of needs) {
      const at: [number, number] = [need.from + task.base, need.to + task.base];
      const path = ['tasks', number, ...need.path];
      this.need(need, name ?? '', at, path, seen);
    }
  }

  private need(
    need: Named,
    owner: string,
    at: [number, number],
    path: Problem['path'],
    seen: Set<string>
  ): void {
    const { trans } = this;
    if (need.name === owner) {
      this.tell(
        'self-dependency',
        trans.__("task '%1' depends on itself", owner),
        trans.__('remove it'),
        at,
        path,
        owner
      );
    } else if (!this.numbers.has(need.name)) {
      const message = trans.__("task '%1' needs '%2', which is no task", owner, shown(need.name));
      this.tell('unknown-task', message, this.nearest(need.name), at, path, owner);
    }
    if (need.isExplicit && seen.has(need.name)) {
      const message = trans.__("task '%1' depends on '%2' twice", owner, need.name);
      const hint = trans.__(
        'keep one of them: the order of dependencies numbers /pipeline/input1, /pipeline/input2 …'
      );
      this.tell('duplicate-dependency', message, hint, at, path, owner);
    }
    if (need.isExplicit) {
      seen.add(need.name);
    }
  }

  private nearest(name: string): string {
    const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
    const near = [...this.numbers.keys()].find(one => plain(one) === plain(name));
    return near
      ? this.trans.__("did you mean '%1'?", near)
      : this.trans.__('remove it, or add a task of that name');
  }

  private twice({ key, from, to, path }: Twice, base: number, facts?: Facts): void {
    const message = this.trans.__("the key '%1' comes twice", shown(key));
    const hint = this.trans.__('keep one of them: the second would silently replace the first');
    this.tell('duplicate-key', message, hint, [from + base, to + base], path, facts?.name ?? undefined);
  }

  private cycles(): void {
    const { tasks } = this.source;
    const facts = tasks.map(factsOf);
    const upstream = facts.map((one, number) =>
      one.needs.flatMap(need => {
        const other = this.numbers.get(need.name);
        return other === undefined || other === number ? [] : [other];
      })
    );
    for (const cycle of cyclesIn(upstream)) {
      const names = cycle.map(number => facts[number].name ?? '');
      const need = facts[cycle[0]].needs.find(one => one.name === names[1]);
      if (need) {
        const { base } = tasks[cycle[0]];
        const message = this.trans.__('these tasks wait for each other: %1', cycleWords(shortened(names)));
        const hint = this.trans.__(
          "remove one of these dependencies, such as '%1' from task '%2'",
          names[1],
          names[0]
        );
        const at: [number, number] = [need.from + base, need.to + base];
        this.tell('cycle', message, hint, at, ['tasks', cycle[0], ...need.path], names[0]);
      }
    }
  }

  private tell(
    code: string,
    message: string,
    hint: string,
    [from, to]: [number, number],
    path: Problem['path'],
    task?: string
  ): void {
    this.found.push({ code, message, hint, from, to, path, ...(task === undefined ? {} : { task }) });
  }
}

/** What to do about a name that no task may have. */
export function nameHint(name: string, trans: TranslationBundle): string {
  if (!name.trim()) {
    return trans.__('write a name, such as train');
  }
  const over = [...name].length - MAX_TASK_NAME;
  return over > 0
    ? trans.__('shorten it by %1 characters: %2 are allowed', over, MAX_TASK_NAME)
    : trans.__("call it '%1': letters, digits, space, _ and - are allowed", suggestTaskName(name));
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function shortened(names: string[]): string[] {
  return names.length <= MOST_NAMES ? names : [...names.slice(0, 12), '…', ...names.slice(-11)];
}

/** Cycles that share no task, each from its first task in the text round to it again; linear, without recursion. */
export function* cyclesIn(upstream: readonly (readonly number[])[]): Generator<number[]> {
  const state = new Uint8Array(upstream.length); // 0 not seen, 1 on the path, 2 left behind
  const told = new Uint8Array(upstream.length);
  for (let start = 0; start < upstream.length; start += 1) {
    const path = state[start] ? [] : [start];
    const turns = [0];
    state[start] ||= 1;
    while (path.length) {
      const last = path[path.length - 1];
      const other = upstream[last][turns[path.length - 1]++];
      if (other === undefined) {
        state[last] = 2;
        path.pop();
        turns.length = path.length;
      } else if (state[other] === 0) {
        state[other] = 1;
        turns[path.length] = 0;
        path.push(other);
      } else if (state[other] === 1 && !told[last] && !told[other]) {
        const cycle = path.slice(path.indexOf(other));
        cycle.forEach(one => (told[one] = 1));
        const first = cycle.indexOf(Math.min(...cycle));
        yield [...cycle.slice(first), ...cycle.slice(0, first + 1)];
      }
    }
  }
}

/** What the parser complains about, in words. */
export function complaintsAsProblems(
  text: string,
  complaints: readonly Complaint[],
  trans: TranslationBundle
): Problem[] {
  const found = complaints.slice(0, 20).map(({ code, message, from, to }) => {
    const [what, hint] = wordsOf(code, message, trans);
    return {
      code: 'syntax',
      message: what,
      hint,
      from,
      to: Math.max(from, Math.min(to, text.length)),
      path: []
    };
  });
  return placed(text, found);
}

function wordsOf(code: string, message: string, trans: TranslationBundle): [string, string] {
  switch (code) {
    case 'MISSING_CHAR':
      return [
        trans.__('something is not closed, or a colon is missing: %1', message),
        trans.__('close quotes and brackets; write key: value')
      ];
    case 'TAB_AS_INDENT':
      return [
        trans.__('a tab stands in the indentation'),
        trans.__('indent with spaces, two for each level')
      ];
    case 'BAD_INDENT':
      return [
        trans.__('this line does not fit the lines above it: its indentation differs'),
        trans.__('indent the keys of one mapping alike')
      ];
    case 'MULTIPLE_DOCS':
      return [
        trans.__('a second document begins here: a file holds one pipeline'),
        trans.__("remove the line '---', or split the file")
      ];
    case 'BLOCK_AS_IMPLICIT_KEY':
      return [
        trans.__("a second ': ' stands in one line, or a line is indented too deep"),
        trans.__('put the value into quotes, or indent it like the other keys')
      ];
    case 'NON_STRING_KEY':
      return [trans.__('a key is a list or a mapping'), trans.__('keys of a pipeline are names')];
    case 'too-deep':
      return [
        trans.__('more than 100 levels of nesting'),
        trans.__('no pipeline needs this depth: look for a bracket too many')
      ];
    case 'recursive-alias':
      return [
        trans.__('*%1 refers to a value that contains it: this would never end', message),
        trans.__('write out the inner value')
      ];
    case 'too-many-aliases':
      return [
        trans.__('aliases repeat more values than a pipeline may have'),
        trans.__('write fewer of them')
      ];
    default:
      return [
        trans.__('this is no YAML: %1', message),
        trans.__('look at indentation, quotes and brackets here and above')
      ];
  }
}
