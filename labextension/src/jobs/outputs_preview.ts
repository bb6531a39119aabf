/**
 * How an output file is shown: by its kind, through Jupyter's own renderers where there is one. Pure: name and bytes
 * in, a description of what to show out. What a task wrote is data of a stranger: HTML goes into a sandbox, nothing
 * else may hold markup.
 */
import { csvParseRows, tsvParseRows } from 'd3-dsv';

import { curvesIn, type ChartRow } from '../viewers/chart';
import { type TableKind } from '../viewers/pages';

/** Most bytes that a preview reads. */
export const PREVIEW_BYTES = 1 << 20;
/** Largest image that is shown; an image is read whole. */
export const IMAGE_BYTES = 32 << 20;
/** How to show a file. */
export type Preview =
  | { kind: 'image'; type: string }
  | { kind: 'html'; text: string }
  | { kind: 'mime'; type: string; data: string | object }
  | { kind: 'table'; written: TableKind; curves: ReturnType<typeof curvesIn> }
  | { kind: 'none' };

const IMAGES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml'
};
const TEXTS = new Set([
  'txt',
  'log',
  'py',
  'sh',
  'r',
  'yaml',
  'yml',
  'toml',
  'ini',
  'cfg',
  'sql',
  'xml',
  'tex',
  ''
]);

/** The type of an image by its name; undefined where it is none. */
export function imageType(path: string): string | undefined {
  return IMAGES[extension(path)];
}

/**
 * Where an image is. An SVG may hold scripts, which run when somebody opens it in a tab of its own: at a blob's address
 * they would run as part of JupyterLab, at a data address they belong to nobody.
 */
export async function imageUrl(image: Blob, type: string): Promise<string> {
  return type === 'image/svg+xml'
    ? `data:${type};charset=utf-8,${encodeURIComponent(await image.text())}`
    : URL.createObjectURL(new Blob([image], { type }));
}

/** How to show the text (or its beginning, where `isCut`) of the file `path`. */
export function previewOf(path: string, text: string, isCut: boolean): Preview {
  switch (extension(path)) {
    case 'html':
    case 'htm':
      return { kind: 'html', text };
    case 'md':
      return { kind: 'mime', type: 'text/markdown', data: text };
    case 'json':
    case 'ipynb':
      return jsonPreview(text);
    case 'jsonl':
    case 'ndjson':
      return table('jsonl', recordRows(text, isCut), text);
    case 'csv':
      return table('csv', csvParseRows(whole(text, isCut)), text);
    case 'tsv':
      return table('tsv', tsvParseRows(whole(text, isCut)), text);
    default:
      return TEXTS.has(extension(path)) || isText(text)
        ? { kind: 'mime', type: 'text/plain', data: text }
        : { kind: 'none' };
  }
}

function jsonPreview(text: string): Preview {
  try {
    const data = JSON.parse(text) as unknown;
    const boxed = typeof data === 'object' && data !== null ? data : { value: data };
    JSON.stringify(boxed); // throws where it is nested deeper than renderers can follow
    return { kind: 'mime', type: 'application/json', data: boxed };
  } catch {
    return { kind: 'mime', type: 'text/plain', data: text };
  }
}

/** A table is read page by page; of its beginning come the curves. */
function table(written: TableKind, rows: string[][], text: string): Preview {
  return rows.length === 0
    ? { kind: 'mime', type: 'text/plain', data: text }
    : { kind: 'table', written, curves: curvesIn(records(rows)) };
}

function records([head = [], ...rows]: string[][]): ChartRow[] {
  return rows.map(row => Object.fromEntries(head.map((name, index) => [name, value(row[index])])));
}

function recordRows(text: string, isCut: boolean): string[][] {
  const found: Record<string, unknown>[] = [];
  for (const line of whole(text, isCut).split('\n')) {
    try {
      const record = JSON.parse(line) as unknown;
      if (typeof record === 'object' && record !== null && !Array.isArray(record)) {
        found.push(record as Record<string, unknown>);
      }
    } catch {
      continue; // a line that is no record is not part of the table
    }
  }
  const names = [...new Set(found.flatMap(record => Object.keys(record)))];
  return found.length ? [names, ...found.map(record => names.map(name => cell(record[name])))] : [];
}

function cell(found: unknown): string {
  return found === undefined || found === null
    ? ''
    : typeof found === 'object'
      ? JSON.stringify(found)
      : String(found);
}

function value(text: string | undefined): number | string | null {
  if (text === undefined || text.trim() === '') {
    return null;
  }
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Without the last line where the text was cut in its middle, or where it is still being written. */
function whole(text: string, isCut: boolean): string {
  return isCut ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
}

function isText(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\x00-\x08\ufffd]/.test(text.slice(0, 4096));
}

function extension(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
}
