import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { DagCanvas } from './canvas';
import { refusalOf } from './canvas-connect';
import { layoutTasks } from './canvas-dagre';
import type { Gesture } from './canvas';
import { rulesOnCard } from './canvas-words';
import type { Graph, GraphTask, NodeState } from './graph';

const trans = nullTranslator.load('test');

function task(name: string, ...dependencies: string[]): GraphTask {
  const rest = {
    type: 'shell',
    image: '',
    resources: [],
    implied: [],
    skip: false,
    description: '',
    from: 0,
    to: 0
  };
  return { name, dependencies, ...rest };
}

function graph(...tasks: GraphTask[]): Graph {
  return { name: 'p', description: '', tasks, remarks: [] };
}

const CHAIN = graph(task('a'), task('b', 'a'), task('c', 'b'), task('b2', 'a'));

describe('DagCanvas', () => {
  let canvas: DagCanvas;
  let gestures: Gesture[];

  beforeEach(() => {
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
    canvas = new DagCanvas(trans);
    gestures = [];
    canvas.gestures.connect((_, gesture) => gestures.push(gesture));
    Widget.attach(canvas, document.body);
    canvas.setGraph(CHAIN);
  });

  afterEach(() => {
    canvas.dispose();
    vi.restoreAllMocks();
  });

  const press = (key: string, more: KeyboardEventInit = {}) =>
    canvas.node.dispatchEvent(
      new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
    );

  it('lays the first graph out along the flow', () => {
    const at = canvas.positionsOf(['a', 'b', 'c']);
    expect(at.a.x).toBeLessThan(at.b.x);
    expect(at.b.x).toBeLessThan(at.c.x);
  });

  it('keeps known tasks where they are and puts a new one after what it needs', () => {
    const before = canvas.positionsOf(['a', 'b', 'c']);
    canvas.setGraph(graph(...CHAIN.tasks, task('d', 'c')));
    expect(canvas.positionsOf(['a', 'b', 'c'])).toEqual(before);
    expect(canvas.positionsOf(['d']).d.x).toBeGreaterThan(before.c.x);
  });

  it('keeps place, selection and focus of a renamed task', async () => {
    const { c } = canvas.positionsOf(['c']);
    canvas.select(['c']);
    canvas.reveal('c');
    canvas.setGraph(graph(task('a'), task('b', 'a'), task('new', 'b'), task('b2', 'a')));
    await Promise.resolve();
    expect(canvas.positionsOf(['new']).new).toEqual(c);
    expect(canvas.focused).toBe('new');
    expect(canvas.selected).toEqual(['new']);
  });

  it('puts a task where it was dropped', () => {
    canvas.placeNext('d', { x: 500, y: 700 });
    canvas.setGraph(graph(...CHAIN.tasks, task('d')));
    expect(canvas.positionsOf(['d']).d).toEqual({ x: 500, y: 700 });
  });

  it('lets a pinned position win', () => {
    canvas.setGraph(graph({ ...task('a'), position: { x: 5, y: 6 } }, task('b', 'a')));
    canvas.arrange('TB');
    expect(canvas.positionsOf(['a']).a).toEqual({ x: 5, y: 6 });
  });

  it('remembers and restores a view', () => {
    canvas.arrange('TB');
    const view = canvas.viewState();
    const other = new DagCanvas(trans);
    other.restoreView(JSON.parse(JSON.stringify(view)));
    other.setGraph(CHAIN);
    expect(other.viewState()).toEqual(view);
    other.dispose();
  });

  it('emits a selection once, and ignores unknown names', () => {
    const seen: (readonly string[])[] = [];
    canvas.selectionChanged.connect((_, names) => seen.push(names));
    canvas.select(['b', 'nobody']);
    canvas.select(['b']);
    expect(seen).toEqual([['b']]);
  });

  it('walks along dependencies and across siblings with the arrows', () => {
    canvas.reveal('a');
    press('ArrowRight');
    press('ArrowUp');
    const upper = canvas.focused;
    press('ArrowDown');
    expect([upper, canvas.focused].sort()).toEqual(['b', 'b2']);
    press('ArrowLeft');
    expect(canvas.focused).toBe('a');
    expect(canvas.selected).toEqual(['a']);
  });

  it('connects by letters and Enter', () => {
    canvas.reveal('b2');
    press('c');
    press('c');
    press('Enter');
    expect(gestures).toEqual([{ kind: 'edit', edit: { kind: 'connect', from: 'b2', to: 'c' } }]);
  });

  it('refuses a cycle with the path that it would close', () => {
    canvas.reveal('c');
    press('c');
    press('a');
    press('Enter');
    expect(gestures).toEqual([{ kind: 'refused', message: 'This would close a cycle: a → b → c → a.' }]);
  });

  it('disconnects the dependency that key D selected', () => {
    canvas.reveal('b');
    press('d');
    expect(canvas.selectedEdge).toEqual({ from: 'a', to: 'b' });
    press('Delete');
    expect(gestures).toEqual([{ kind: 'edit', edit: { kind: 'disconnect', from: 'a', to: 'b' } }]);
  });

  it('refuses edits while a job is shown, and opens logs', () => {
    canvas.isReadOnly = true;
    canvas.reveal('b');
    press('Delete');
    press('l');
    expect(gestures.map(gesture => gesture.kind)).toEqual(['refused', 'open']);
  });

  it('says what the task in focus is, by another element each time', () => {
    const words = () => document.getElementById(canvas.node.getAttribute('aria-activedescendant') ?? '');
    canvas.reveal('a');
    const first = words();
    expect(first?.getAttribute('aria-label')).toBe('a, needed by b, b2');
    canvas.reveal('b');
    expect(words()).not.toBe(first);
    const running: NodeState = {
      state: 'running',
      status: 'RUNNING',
      reason: '',
      attempts: 2,
      startedAt: new Date(Date.now() - 125000).toISOString(),
      endedAt: null,
      isCause: false
    };
    canvas.setStates(new Map([['b', running]]));
    canvas.setProblems(new Map([['b', { count: 1, severity: 'error' }]]));
    expect(words()?.getAttribute('aria-label')).toBe(
      'b, running 2 minutes, attempt 2, depends on a, needed by c, 1 problem'
    );
  });

  it('lays final tasks out behind all others', () => {
    const rules = { when: '', runIf: '', isFinal: true };
    const at = layoutTasks([{ ...task('end'), rules }, task('a'), task('b', 'a')], 'LR');
    expect(at.get('end')?.x).toBeGreaterThan(at.get('b')?.x ?? 0);
  });

  it('says when the task in focus runs, and lets nothing depend on a final one', () => {
    const rules = { when: 'params.quick', runIf: 'any_failed', isFinal: true };
    canvas.setGraph(graph(task('a'), { ...task('end', 'a'), rules }));
    canvas.reveal('end');
    const words = document.getElementById(canvas.node.getAttribute('aria-activedescendant') ?? '');
    expect(words?.getAttribute('aria-label')).toBe(
      'end, final task, if one failed, only when params.quick, depends on a'
    );
    expect(rulesOnCard(rules, trans)).toBe('⚐ final · ◇ if · if one failed');
    expect(refusalOf(graph(task('a'), { ...task('end'), rules }), { from: 'end', to: 'a' }, trans)).toMatch(
      /final/
    );
  });

  it('aligns the selected', () => {
    canvas.select(['a', 'b']);
    canvas.align('left');
    const at = canvas.positionsOf(['a', 'b']);
    expect(at.a.x).toBe(at.b.x);
  });

  it('finds tasks in any case', () => {
    expect(canvas.find('B')).toEqual(['b', 'b2']);
    expect(canvas.find('')).toEqual([]);
  });

  it('takes 1,000 changes of 1,000 states well within a second', () => {
    const tasks = Array.from({ length: 1000 }, (_, i) => task(`t${i}`, ...(i < 20 ? [] : [`t${i - 20}`])));
    canvas.setGraph(graph(...tasks));
    const began = performance.now();
    for (let i = 0; i < 100; i++) {
      canvas.setStates(new Map());
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
