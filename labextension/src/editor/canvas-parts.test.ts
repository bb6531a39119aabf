import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { aligned } from './canvas-align';
import { Scene } from './canvas-scene';
import { middleEllipsis } from './canvas-text';
import { panToShow, viewOf } from './canvas-viewport';
import { durationWords, shortDuration } from './canvas-words';
import { frameFor, isLarger } from './minimap';

const trans = nullTranslator.load('test');
const measure = (text: string) => text.length;

describe('middleEllipsis', () => {
  it('leaves alone what fits', () => {
    expect(middleEllipsis('train', 5, measure)).toBe('train');
  });

  it('keeps beginning and end of what does not', () => {
    expect(middleEllipsis('prepare-the-data', 7, measure)).toBe('pre…ata');
  });
});

describe('durations', () => {
  it('are one unit for the ear', () => {
    expect(durationWords(61000, trans)).toBe('1 minute');
    expect(durationWords(7300000, trans)).toBe('2 hours');
  });

  it('are two short units for the eye', () => {
    expect(shortDuration(125000, trans)).toBe('2 min 5 s');
    expect(shortDuration(3720000, trans)).toBe('1 h 2 min');
  });
});

describe('the view', () => {
  it('shows all, but never larger than 1:1', () => {
    const size = { width: 1000, height: 500 };
    expect(viewOf({ left: 0, top: 0, right: 190, bottom: 60 }, size)?.zoom).toBe(1);
    expect(viewOf({ left: 0, top: 0, right: 9280, bottom: 60 }, size)?.zoom).toBeCloseTo(0.1);
    expect(viewOf({ left: 0, top: 0, right: 1, bottom: 1 }, { width: 0, height: 0 })).toBeNull();
  });

  it('moves only as far as a card needs', () => {
    const size = { width: 1000, height: 500 };
    expect(panToShow({ x: 500, y: 250 }, 1, { x: 0, y: 0 }, size)).toEqual({ x: 0, y: 0 });
    expect(panToShow({ x: 1000, y: 250 }, 1, { x: 0, y: 0 }, size)).toEqual({ x: -111, y: 0 });
  });
});

describe('aligned', () => {
  const places = new Map([
    ['a', { x: 0, y: 0 }],
    ['b', { x: 10, y: 50 }],
    ['c', { x: 100, y: 60 }]
  ]);

  it('puts all on one line', () => {
    expect([...aligned(places, 'right').values()].map(at => at.x)).toEqual([100, 100, 100]);
  });

  it('spreads evenly between the outermost', () => {
    expect([...aligned(places, 'columns').values()].map(at => at.x)).toEqual([0, 50, 100]);
  });
});

describe('a scene', () => {
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
  const tasks = [
    { name: 'a', dependencies: ['gone'], ...rest },
    { name: 'b', dependencies: ['a'], ...rest }
  ];
  const scene = new Scene();
  scene.setGraph({ name: '', description: '', tasks, remarks: [] }, name => ({
    x: name === 'a' ? 0 : 400,
    y: 0
  }));

  it('finds the wire under a point, and none elsewhere', () => {
    expect(scene.wireAt({ x: 200, y: 3 }, 6)).toEqual({ from: 'a', to: 'b' });
    expect(scene.wireAt({ x: 200, y: 30 }, 6)).toBeNull();
  });

  it('finds the card under a point', () => {
    expect(scene.cardAt({ x: 390, y: 20 })?.name).toBe('b');
    expect(scene.cardAt({ x: 200, y: 20 })).toBeNull();
  });
});

describe('the minimap', () => {
  it('is there for what the view cannot show', () => {
    const view = { left: 0, top: 0, right: 100, bottom: 100 };
    expect(isLarger({ left: 0, top: 0, right: 90, bottom: 90 }, view)).toBe(false);
    expect(isLarger({ left: -1, top: 0, right: 90, bottom: 90 }, view)).toBe(true);
  });

  it('shows all of it', () => {
    const frame = frameFor({ left: 1000, top: 0, right: 3000, bottom: 100 });
    expect(1000 * frame.scale + frame.x).toBeGreaterThanOrEqual(0);
    expect(3000 * frame.scale + frame.x).toBeLessThanOrEqual(176);
  });
});
