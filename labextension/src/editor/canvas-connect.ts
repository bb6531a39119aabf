/**
 * Drawing a dependency, by mouse or by keys: what is being drawn, whether it may be, and why not.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Draft } from './canvas-paint';
import type { EdgeEnds } from './canvas-types';
import { cycleClosedBy, cycleWords, isBehindFinal } from './graph';
import type { Graph, Position } from './graph';

/** Why `to` cannot come to depend on `from`, in words; empty if it can. */
export function refusalOf(graph: Graph, { from, to }: EdgeEnds, trans: TranslationBundle): string {
  if (from === to) {
    return trans.__('“%1” cannot depend on itself.', from);
  }
  if (graph.tasks.some(task => task.name === to && task.dependencies.includes(from))) {
    return trans.__('“%1” depends on “%2” already.', to, from);
  }
  if (isBehindFinal(graph, { from, to })) {
    return trans.__('“%1” is final: it runs when all others have ended.', from);
  }
  const cycle = cycleClosedBy(graph, from, to);
  return cycle === null ? '' : trans.__('This would close a cycle: %1.', cycleWords(cycle));
}

/** The connection that is being drawn. */
export class Connector {
  private current: Draft | null = null;
  private query = '';

  constructor(
    private readonly graph: () => Graph,
    private readonly trans: TranslationBundle
  ) {}

  /** What is being drawn; null: nothing. */
  get draft(): Draft | null {
    return this.current;
  }

  /** What was typed to find a target. */
  get typed(): string {
    return this.query;
  }

  /** Start at a task; `at` is where the pointer is, null for the keyboard. */
  begin(from: string, at: Position | null): void {
    this.query = '';
    this.current = { from, at, target: null, refusal: '' };
  }

  /** The pointer is at `at`, over `target` if it is over a task. */
  aim(target: string | null, at: Position | null): void {
    if (this.current === null) {
      return;
    }
    const { from } = this.current;
    const isSame = target === this.current.target;
    const same = this.current.refusal;
    const refusal = isSame
      ? same
      : target === null
        ? ''
        : refusalOf(this.graph(), { from, to: target }, this.trans);
    this.current = { from, at, target, refusal };
  }

  /** Aim at the next (1) or previous (−1) of `candidates` that matches what was typed. */
  step(candidates: readonly string[], by: 1 | -1): void {
    const those = this.matching(candidates);
    const at = those.indexOf(this.current?.target ?? '');
    const next = at < 0 ? (by === 1 ? 0 : those.length - 1) : (at + by + those.length) % those.length;
    this.aim(those[next] ?? null, null);
  }

  /** Type a letter (`null`: take the last one back), and aim at the first match. */
  type(candidates: readonly string[], letter: string | null): void {
    this.query = letter === null ? this.query.slice(0, -1) : this.query + letter;
    this.aim(this.matching(candidates)[0] ?? null, null);
  }

  private matching(candidates: readonly string[]): readonly string[] {
    const wanted = this.query.toLowerCase();
    const starts = candidates.filter(name => name.toLowerCase().startsWith(wanted));
    const rest = candidates.filter(name => !starts.includes(name) && name.toLowerCase().includes(wanted));
    return [...starts, ...rest].filter(name => name !== this.current?.from);
  }

  /** End it: what was drawn, with why it is refused if it is; null if there was no target. */
  end(): (EdgeEnds & { refusal: string }) | null {
    const draft = this.current;
    this.cancel();
    return draft === null || draft.target === null
      ? null
      : { from: draft.from, to: draft.target, refusal: draft.refusal };
  }

  /** Forget it. */
  cancel(): void {
    this.current = null;
    this.query = '';
  }
}
