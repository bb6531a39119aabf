/** What differs between two pipelines, as lines to read. Pure. */
import type { PipelineDiff } from '../generated';

/** The way in which something is not the same. */
export type How = PipelineDiff['tasks'][number]['how'];

/** A sign beside each colour: a person who sees no colours reads the same. */
export const SIGNS: Readonly<Record<How, string>> = { added: '+', removed: '−', changed: '~', renamed: '~' };

/** A line of a text that changed. */
export interface DiffLine {
  sign: '+' | '−' | '@' | ' ';
  text: string;
}

/** The lines of a text on one side and the other, those alike at both ends left out but for one. */
export function linesOf(one: string | null, other: string | null): DiffLine[] {
  const before = one === null ? [] : one.replace(/\n$/, '').split('\n');
  const after = other === null ? [] : other.replace(/\n$/, '').split('\n');
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) {
    head++;
  }
  let tail = 0;
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const told = (sign: DiffLine['sign'], lines: readonly string[]): DiffLine[] =>
    lines.map(text => ({ sign, text }));
  return [
    ...told(' ', before.slice(Math.max(0, head - 1), head)),
    ...told('−', before.slice(head, before.length - tail)),
    ...told('+', after.slice(head, after.length - tail)),
    ...told(' ', before.slice(before.length - tail, before.length - tail + Math.min(1, tail)))
  ];
}

/** The lines of a unified diff, without the names of its files. */
export function unifiedLines(lines: readonly string[]): DiffLine[] {
  return lines
    .filter(line => !/^(---|\+\+\+) /.test(line))
    .map(line => {
      const sign = line.startsWith('-') ? '−' : line.startsWith('+') ? '+' : line.startsWith('@') ? '@' : ' ';
      return { sign, text: sign === '@' ? line : line.slice(1) };
    });
}

/** A value of a parameter, to be read; null where there is none. */
export function valueText(value: unknown): string | null {
  return value === null || value === undefined || typeof value === 'string'
    ? (value ?? null)
    : JSON.stringify(value);
}
