import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Graph, GraphTask } from './graph';
import { Outline } from './outline';
import { inDependencyOrder, rowsInView, typeAhead } from './outline-model';

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

const graph = (tasks: GraphTask[]): Graph => ({ name: '', description: '', tasks, remarks: [] });

describe('the order of the outline', () => {
  it('is that in which tasks can run', () => {
    const order = inDependencyOrder([task('c', 'b'), task('b', 'a'), task('a')]);
    expect(order.map(one => one.name)).toEqual(['a', 'b', 'c']);
  });
});

describe('typeAhead', () => {
  const names = ['train', 'test', 'tune'];

  it('goes on to the next with the same letter', () => {
    expect([typeAhead(names, 0, 't'), typeAhead(names, 1, 'tt'), typeAhead(names, 2, 't')]).toEqual([
      1, 2, 0
    ]);
  });

  it('stays while a word is being typed', () => {
    expect(typeAhead(names, 1, 'te')).toBe(1);
    expect(typeAhead(names, 0, 'tx')).toBe(-1);
  });
});

describe('rowsInView', () => {
  it('is a window around what is scrolled to', () => {
    const [first, end] = rowsInView(5000, 26, 26000, 520);
    expect(first).toBeGreaterThan(980);
    expect(end).toBeLessThan(1040);
  });
});

describe('Outline', () => {
  let outline: Outline;

  beforeEach(async () => {
    outline = new Outline(nullTranslator.load('test'));
    Widget.attach(outline, document.body);
    outline.setGraph(graph([task('a'), task('<b>b</b>', 'a')]));
    await settled();
  });

  afterEach(() => outline.dispose());

  const settled = () => new Promise(done => setTimeout(done, 30));
  const items = () => [...outline.node.querySelectorAll<HTMLElement>('[role="treeitem"]')];

  it('is a tree of one Tab stop, whose items say what they are', () => {
    expect(items().map(item => item.tabIndex)).toEqual([0, -1]);
    expect(items()[0].getAttribute('aria-label')).toBe('a, needed by <b>b</b>');
    expect(outline.node.querySelector('b')).toBeNull();
  });

  it('tells who was chosen by arrow, and moves the focus there', async () => {
    const chosen: (readonly string[])[] = [];
    outline.chosen.connect((_, names) => chosen.push(names));
    items()[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
    await settled();
    expect(chosen).toEqual([['<b>b</b>']]);
    expect(document.activeElement).toBe(items()[1]);
  });

  it('follows a selection made elsewhere without telling it back', async () => {
    const chosen: unknown[] = [];
    outline.chosen.connect((_, names) => chosen.push(names));
    outline.select(['<b>b</b>']);
    await settled();
    expect(items()[1].getAttribute('aria-selected')).toBe('true');
    expect(chosen).toEqual([]);
  });

  it('puts only rows in view into the page, of 5,000', async () => {
    outline.setGraph(graph(Array.from({ length: 5000 }, (_, i) => task(`t${i}`))));
    await settled();
    expect(items().length).toBeLessThan(100);
    expect(items()[0].getAttribute('aria-setsize')).toBe('5000');
  });
});
