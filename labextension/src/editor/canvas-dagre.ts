/**
 * Dagre's layout for graphs of a usual size: network simplex ranks and straight chains look better than anything
 * quicker. It runs on a headless graph of its own; above a few hundred tasks `layout.ts` takes over.
 */
import cytoscape from 'cytoscape';
import type { ElementDefinition } from 'cytoscape';
import dagre from 'cytoscape-dagre';
import type { DagreLayoutOptions } from 'cytoscape-dagre';

import { CARD } from './canvas-scene';
import type { Direction } from './canvas-types';
import type { GraphTask, Position } from './graph';
import { behindAll, isWide, layeredLayout, SPACING } from './layout';

/** Up to so many tasks dagre is quick enough to be called while somebody waits (~0.3 s). */
const MOST_FOR_DAGRE = 250;

/** Places for all `drawn`, by name. */
export function layoutTasks(drawn: readonly GraphTask[], direction: Direction): Map<string, Position> {
  const tasks = behindAll(drawn);
  const linked = tasks.some(task => task.dependencies.length > 0);
  return linked && tasks.length <= MOST_FOR_DAGRE && !isWide(tasks)
    ? dagreLayout(tasks, direction)
    : layeredLayout(tasks, direction);
}

function dagreLayout(tasks: readonly GraphTask[], direction: Direction): Map<string, Position> {
  cytoscape.use(dagre);
  const cy = cytoscape({
    headless: true,
    styleEnabled: true,
    elements: elementsOf(tasks),
    style: [{ selector: 'node', style: { width: CARD.width, height: CARD.height } }]
  });
  const { along, across } = SPACING[direction];
  const options: DagreLayoutOptions = {
    name: 'dagre',
    rankDir: direction,
    nodeSep: direction === 'LR' ? across - CARD.height : across - CARD.width,
    rankSep: direction === 'LR' ? along - CARD.width : along - CARD.height,
    edgeSep: 12,
    fit: false,
    animate: false
  };
  cy.layout(options).run();
  const places = new Map(cy.nodes().map(node => [node.data('name') as string, { ...node.position() }]));
  cy.destroy();
  return places;
}

function elementsOf(tasks: readonly GraphTask[]): ElementDefinition[] {
  const ids = new Map(tasks.map((task, i) => [task.name, `n${i}`]));
  const nodes = tasks.map(task => ({ data: { id: ids.get(task.name), name: task.name } }));
  const edges = tasks.flatMap(task =>
    task.dependencies
      .filter(name => ids.has(name) && name !== task.name)
      .map(name => ({ data: { source: ids.get(name) ?? '', target: ids.get(task.name) ?? '' } }))
  );
  return [...nodes, ...edges];
}
