import { Widget } from '@lumino/widgets';
import { expect, it } from 'vitest';

import { PANES } from './settings';
import { Panes } from './widget_panes';

function panesOf(width: number): Panes {
  const panes = new Panes(Object.fromEntries(PANES.map(name => [name, new Widget()])));
  Object.defineProperty(panes.node, 'clientWidth', { value: width });
  return panes;
}

const shownOf = (panes: Panes) => PANES.filter(name => panes.isShown(name));

it('shows all that are wanted where there is room', () => {
  const panes = panesOf(1400);
  panes.toggle('dock', true);
  expect(shownOf(panes)).toEqual(['palette', 'canvas', 'yaml', 'dock']);
});

it('lets others step aside for what was asked for last, and remembers them as shown', () => {
  const panes = panesOf(770);
  panes.toggle('dock', true);
  expect(shownOf(panes)).toEqual(['canvas', 'dock']);
  panes.toggle('yaml', true);
  expect(shownOf(panes)).toEqual(['canvas', 'yaml']);
  expect(panes.state().palette?.isShown).toBe(true);
});

it('has the YAML back when the dock is closed', () => {
  const panes = panesOf(770);
  panes.toggle('dock', true);
  panes.toggle('dock', false);
  expect(shownOf(panes)).toContain('yaml');
});

it('lets a pane stand aside until somebody asks for it', () => {
  const panes = panesOf(1400);
  panes.setAside('palette', true);
  expect(shownOf(panes)).toEqual(['canvas', 'yaml']);
  expect(panes.state().palette?.isShown).toBe(true);
  panes.toggle('palette', true);
  expect(shownOf(panes)).toContain('palette');
  panes.setAside('palette', true);
  panes.setAside('palette', false);
  expect(shownOf(panes)).toContain('palette');
});
