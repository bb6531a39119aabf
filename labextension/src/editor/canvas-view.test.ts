import { expect, it } from 'vitest';

import type { Stage } from './canvas-stage';
import { CanvasView } from './canvas-view';
import type { Position } from './graph';

/** A stage that only keeps its view. */
class FakeStage {
  zoom = 1;
  pan: Position = { x: 0, y: 0 };
  size = { width: 1000, height: 500 };

  constructor(private readonly moved: () => void) {}

  resize(): void {
    // its size is what it is told
  }

  setView(zoom: number, pan: Position): void {
    Object.assign(this, { zoom, pan });
    this.moved();
  }
}

function shown(): { view: CanvasView; stage: FakeStage } {
  const stage = new FakeStage(() => view.moved());
  const view: CanvasView = new CanvasView(
    () => stage as unknown as Stage,
    () => ({ left: 0, top: 0, right: 1200, bottom: 100 })
  );
  view.resized();
  return { view, stage };
}

it('goes on showing all when the size changes', () => {
  const { view, stage } = shown();
  const before = stage.zoom;
  stage.size = { width: 600, height: 500 };
  expect(view.resized()).toBe(false);
  expect(stage.zoom).toBeLessThan(before);
  expect(view.isFitted).toBe(true);
});

it('keeps a view that was moved by hand', () => {
  const { view, stage } = shown();
  stage.setView(1.5, { x: 7, y: 7 });
  stage.size = { width: 600, height: 500 };
  expect(view.resized()).toBe(true);
  expect([stage.zoom, stage.pan]).toEqual([1.5, { x: 7, y: 7 }]);
});

it('does not count a card that is in view anyway as a move', () => {
  const { view } = shown();
  view.show({ x: 95, y: 50 });
  expect(view.isFitted).toBe(true);
});
