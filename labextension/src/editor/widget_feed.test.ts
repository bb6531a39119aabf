import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { IDagCanvas, Marker } from './canvas-types';
import { readDocument } from './document';
import type { Graph, NodeState, Problem } from './graph';
import type { FeedSources } from './widget_feed';
import { CanvasFeed, markersOf } from './widget_feed';

const text = 'name: p\ntasks:\n- name: a\n  command: x\n';
const other = 'name: p\ntasks:\n- name: before\n  command: x\n';

class FakeView {
  graph: Graph | null = null;
  states: ReadonlyMap<string, NodeState> | null = null;
  problems: ReadonlyMap<string, Marker> = new Map();
  isReadOnly = false;
  setGraph = (graph: Graph) => void (this.graph = graph);
  setStates = (states: ReadonlyMap<string, NodeState> | null) => void (this.states = states);
  setProblems = (problems: ReadonlyMap<string, Marker>) => void (this.problems = problems);
}

const job = {
  tasks: [{ path: 'a', task: 'a', status: 'RUNNING', result: 'UNDEFINED', reason: '', dependencies: [] }]
};

class FakeModel {
  readonly changed = new Signal<this, void>(this);
  text = text;
  graph = readDocument(text).graph as Graph;
  problems: Problem[] = [];
  taskAt = () => 'a';
}

class FakeChoice {
  readonly changed = new Signal<this, void>(this);
  readonly chosen = new Signal<this, string | null>(this);
  text: string | null = null;
  job: unknown = null;

  choose(of: string | null): void {
    this.text = null;
    this.job = null;
    this.chosen.emit(of);
    this.text = of;
    this.job = of === null ? null : job;
    this.changed.emit();
  }
}

let canvas: FakeView;
let outline: FakeView;
let model: FakeModel;
let choice: FakeChoice;
let isFileReadOnly: boolean;
let feed: CanvasFeed;

beforeEach(() => {
  [canvas, outline, model, choice, isFileReadOnly] = [
    new FakeView(),
    new FakeView(),
    new FakeModel(),
    new FakeChoice(),
    false
  ];
  feed = new CanvasFeed({
    model,
    choice,
    canvas: canvas as unknown as IDagCanvas,
    outline,
    trans: nullTranslator.load(''),
    isFileReadOnly: () => isFileReadOnly,
    isVisible: () => true
  } as unknown as FeedSources);
  feed.update();
});

afterEach(() => feed.dispose());

describe('while editing', () => {
  it('shows the graph of the text on canvas and outline, and no states', () => {
    expect([canvas.graph, outline.graph]).toEqual([model.graph, model.graph]);
    expect(canvas.states).toBeNull();
  });

  it('lets nobody change a file that is read-only', () => {
    isFileReadOnly = true;
    feed.update();
    expect(canvas.isReadOnly).toBe(true);
  });
});

describe('while a job is shown', () => {
  it('puts the states on the graph that can be changed, where the text is the job’s own', () => {
    choice.choose(text);
    expect([feed.isFrozen, canvas.isReadOnly]).toEqual([false, false]);
    expect(outline.states?.get('a')?.state).toBe('running');
  });

  it('stays on that graph when the text is edited afterwards', () => {
    choice.choose(text);
    model.text = other;
    model.graph = readDocument(other).graph as Graph;
    model.changed.emit();
    expect(feed.isFrozen).toBe(false);
    expect(canvas.graph).toBe(model.graph);
  });

  it('shows another text’s job as the graph it was, read-only and without problems of today’s text', () => {
    model.problems = [{ severity: 'error', task: 'a' } as Problem];
    choice.choose(other);
    expect([feed.isFrozen, canvas.isReadOnly]).toEqual([true, true]);
    expect(canvas.graph?.tasks.map(each => each.name)).toEqual(['before']);
    expect(canvas.problems.size).toBe(0);
    choice.choose(null);
    expect([feed.isFrozen, canvas.isReadOnly, canvas.states]).toEqual([false, false, null]);
    expect(canvas.graph).toBe(model.graph);
  });
});

it('counts the problems of a task, and marks it by the worst', () => {
  const problem = (severity: string, task?: string) => ({ severity, task, from: 1, to: 2 }) as Problem;
  const found = [problem('warning', 'b'), problem('error', 'b'), problem('notice', 'b'), problem('notice')];
  const markers = markersOf(found, { taskAt: () => 'a' });
  expect(markers.get('b')).toEqual({ count: 3, severity: 'error' });
  expect(markers.get('a')).toEqual({ count: 1, severity: 'notice' });
});
