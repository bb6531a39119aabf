/** What a Model's or a Dataset's card tells, of a declared output and its lineage. Pure. */
import type { FileView, LineageNode, LineageView } from '../generated';

/** A declared artifact, as a task instance's outputs tell it. */
export interface Artifact {
  name: string;
  type: string;
  /** On the engine's machine; an event tells it relative to the outputs folder. */
  path: string;
  metadata: Readonly<Record<string, unknown>>;
}

/** Types whose artifacts get a card. */
const CARDS = new Set(['Model', 'Dataset']);

/** The artifacts among declared outputs that get a card. */
export function cardsIn(outputs: Readonly<Record<string, unknown>>): Artifact[] {
  return Object.entries(outputs).flatMap(([name, told]): Artifact[] => {
    const found = told as { type?: unknown; path?: unknown; metadata?: unknown } | null;
    if (typeof found !== 'object' || typeof found?.type !== 'string' || typeof found.path !== 'string') {
      return [];
    }
    const metadata = isRecord(found.metadata) ? found.metadata : {};
    return CARDS.has(found.type) ? [{ name, type: found.type, path: found.path, metadata }] : [];
  });
}

function isRecord(found: unknown): found is Record<string, unknown> {
  return typeof found === 'object' && found !== null && !Array.isArray(found);
}

/** Bytes and files of an artifact, of the listing of its outputs folder; null where it is not in there. */
export function sizeOf(artifact: Artifact, folder: string | null, files: readonly FileView[]): Size | null {
  const within = pathWithin(artifact.path, folder);
  const own = files.filter(
    file => !file.is_dir && (file.path === within || file.path.startsWith(`${within}/`))
  );
  return within === null || own.length === 0
    ? null
    : { files: own.length, bytes: own.reduce((sum, file) => sum + file.size, 0) };
}

/** How much an artifact is. */
export interface Size {
  files: number;
  bytes: number;
}

/** The artifact's path below its outputs folder. */
function pathWithin(path: string, folder: string | null): string | null {
  if (!path.startsWith('/')) {
    return path;
  }
  const at = folder === null ? -1 : path.lastIndexOf(`${folder}/`);
  return folder === null || at < 0 ? null : path.slice(at + folder.length + 1);
}

/** What is known of an artifact's past and future. */
export interface Story {
  madeBy: LineageNode | null;
  /** Where the maker's inputs came from. */
  madeOf: readonly string[];
  usedBy: readonly LineageNode[];
  versions: readonly LineageNode[];
  services: readonly LineageNode[];
}

/** The story of output `name` of the subject of a lineage. */
export function storyOf({ subject, nodes, edges }: LineageView, name: string): Story {
  const byId = new Map(nodes.map(node => [node.id, node]));
  const after = (ids: ReadonlySet<string>, output: string | null): LineageNode[] => {
    const to = edges.filter(
      edge => ids.has(edge.from) && (output === null || !edge.output || edge.output === output)
    );
    return [...new Set(to.map(edge => edge.to))].flatMap(id => byId.get(id) ?? []);
  };
  const next = after(new Set([subject]), name);
  const versions = next.filter(({ kind }) => kind === 'model');
  const beyond = after(new Set(versions.map(({ id }) => id)), null);
  const before = edges.filter(edge => edge.to === subject);
  return {
    madeBy: byId.get(subject) ?? null,
    madeOf: [...new Set(before.flatMap(({ from, output }) => wordsFor(byId.get(from), output)))],
    usedBy: [...next, ...beyond].filter(({ kind }) => kind === 'task'),
    versions,
    services: [...next, ...beyond].filter(({ kind }) => kind === 'service')
  };
}

function wordsFor(node: LineageNode | undefined, output: string | null | undefined): string[] {
  return node ? [output ? `${node.name}.${output}` : node.name] : [];
}
