/**
 * What differs from a job, on the canvas: the graph as it is with the removed tasks as ghosts, and a sign on each card
 * that is not the same. Pure.
 */
import type { PipelineDiff } from '../generated';
import type { Change, Graph, GraphTask, NodeState } from './graph';

/** The text's graph, and behind it the tasks that the job had and the text has not. */
export function comparedGraph(now: Graph, then: Graph, diff: PipelineDiff): Graph {
  const gone = new Set(diff.tasks.filter(({ how }) => how === 'removed').map(({ name }) => name));
  const renamed = new Map(diff.tasks.flatMap(({ was, name }) => (was ? [[was, name] as const] : [])));
  const names = new Set(now.tasks.map(({ name }) => name));
  const ghosts = then.tasks.filter(({ name }) => gone.has(name) && !names.has(name));
  const shown = new Set([...names, ...ghosts.map(({ name }) => name)]);
  const ghost = (task: GraphTask): GraphTask => {
    const dependencies = task.dependencies
      .map(each => renamed.get(each) ?? each)
      .filter(each => shown.has(each));
    return { ...task, dependencies, implied: dependencies, from: 0, to: 0, position: undefined };
  };
  return ghosts.length === 0 ? now : { ...now, tasks: [...now.tasks, ...ghosts.map(ghost)] };
}

/** The cards that are not the same; `words` says each way in the reader's language. */
export function diffStates(
  diff: PipelineDiff,
  words: Readonly<Record<Change, string>>
): Map<string, NodeState> {
  return new Map(
    diff.tasks.map(({ name, how, words: what = [], was }) => {
      const change: Change = how === 'renamed' ? 'changed' : how;
      const said = how === 'renamed' && was ? `${was} → ${name}` : words[change];
      return [
        name,
        {
          state: how === 'removed' ? 'skipped' : 'waiting',
          status: '',
          reason: [said, ...what].join(' · '),
          attempts: 0,
          startedAt: null,
          endedAt: null,
          isCause: false,
          isPlanned: true,
          change
        }
      ];
    })
  );
}
