/** What versions of models are, in words and as YAML. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { word } from '../api';
import type { Difference, ModelVersion } from '../generated';
import { bytes, short } from '../words';

const LATEST = 'latest';
/** Names of services have so many characters at most. */
const LONGEST_SERVICE = 24;

/** Where the operations on a model are. */
export function placeOfModel({ backend, name }: { backend: string; name: string }): string {
  return `models/${word(backend)}/${word(name)}`;
}

/** Its aliases, but for the one that nobody gives. */
export function givenAliases({ aliases }: Pick<ModelVersion, 'aliases'>): string[] {
  return aliases.filter(alias => alias !== LATEST);
}

/** A value of any kind in a table's cell: numbers short, others as JSON; a dash for none. */
export function valueWord(value: unknown): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A version's metrics in a line: `accuracy 0.9722 · loss 0.11`. */
export function metricsLine(metrics: Readonly<Record<string, unknown>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${valueWord(value)}`)
    .join(' · ');
}

/** By how much a number changed, with its sign; empty for what is no number, or stayed. */
export function changeWord({ change }: Pick<Difference, 'change'>): string {
  return change ? `${change > 0 ? '+' : '−'}${short4(Math.abs(change))}` : '';
}

/** How large a version is, in words. */
export function sizeWord({ size, files = [] }: ModelVersion, trans: TranslationBundle): string {
  return trans._n('%2 in %1 file', '%2 in %1 files', files.length, bytes(size));
}

/** A task that serves a version, as the editor pastes it onto a canvas. */
export function deploymentTask({ model, version, lineage }: ModelVersion): string {
  const name = JSON.stringify(`serve ${model}`.slice(0, 64));
  const service = JSON.stringify(model.slice(0, LONGEST_SERVICE));
  const lines = [`- name: ${name}`, '  type: deployment'];
  if (lineage.image) {
    lines.push(`  environment: {image: ${JSON.stringify(lineage.image)}}`);
  }
  return [
    ...lines,
    '  service:',
    `    name: ${service}`,
    `    model: ${JSON.stringify(`${model}@${version}`)}`,
    ''
  ].join('\n');
}

function short4(amount: number): string {
  return amount >= 100 ? short(amount) : String(Number(amount.toPrecision(4)));
}
