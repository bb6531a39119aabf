/**
 * Which properties a form shows and what a change of one means. Pure: schema and data in, form and edits out.
 *
 * The form is flat (one id per field) while the YAML is nested, so that a field of several selected tasks, a field
 * whose parents are not written yet, and a field that is written in another generation's words are all the same:
 * an id, a path, a kind. Labels are ours (and translated); types, limits and help come from the JSON Schema, whose
 * descriptions are in the catalogues under the context `schema`.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import schemaDocument from '../../../fasttrack_jupyter/schema/pipeline.schema.json';

import type { Edit, Json } from './edits';

/** How a field is edited. */
export type FieldKind =
  | 'text'
  | 'lines'
  | 'flag'
  /** True, false, or what holds for all. */
  | 'either'
  | 'number'
  | 'choice'
  | 'image'
  | 'offered'
  | 'resources'
  | 'pairs'
  | 'mounts'
  | 'order'
  | 'outputs'
  | 'params'
  | 'values';

/** One field of a form. */
export interface Field {
  id: string;
  label: string;
  help: string;
  kind: FieldKind;
  /** The place below the task or the pipeline. */
  path: readonly string[];
  /** For `choice`. */
  choices?: readonly string[];
  /** What counts when nothing is written, in words. */
  placeholder?: string;
  minimum?: number;
  maximum?: number;
  /** Whether its values are so short that two such fields stand side by side. */
  isShort?: boolean;
}

/** Fields under one heading. */
export interface FieldGroup {
  id: string;
  label: string;
  fields: readonly Field[];
}

/** Values by field id; a field that is not written has none. */
export type FormData = Readonly<Record<string, Json | undefined>>;

interface SchemaNode {
  $ref?: string;
  description?: string;
  default?: Json;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  examples?: readonly Json[];
  properties?: Record<string, SchemaNode>;
}

const DEFINITIONS = schemaDocument.$defs as unknown as Record<string, SchemaNode>;
const PIPELINE = schemaDocument as unknown as SchemaNode;
const INHERITED = new Set(['environment', 'resources', 'resource_opts']);
const RULES = ['all_success', 'all_done', 'any_failed', 'one_success'] as const;
const TASK_TYPES = ['custom', 'git', 'github', 'gitlab', 'notebook'] as const;

/** The form of one task (`isNotebook`: of a whole notebook); of several, what they can have in common. */
export function taskGroups(trans: TranslationBundle, several: boolean, isNotebook = false): FieldGroup[] {
  const of = fieldMaker(DEFINITIONS['Task'], trans);
  const alone = <T>(...fields: T[]): T[] => (several ? [] : fields);
  return [
    {
      id: 'task',
      label: trans.__('Task'),
      fields: [
        ...alone(
          of('name', trans.__('Name'), 'text'),
          of('description', trans.__('Description'), 'text'),
          ...(isNotebook
            ? [
                of('notebook', trans.__('Notebook'), 'text'),
                of('parameters', trans.__('Parameters of the notebook'), 'values')
              ]
            : [of('command', trans.__('Command'), 'lines')])
        ),
        { ...short(of('type', trans.__('Type'), 'choice')), choices: TASK_TYPES },
        ...(isNotebook ? [] : [of('module_uri', trans.__('Repository'), 'text')])
      ]
    },
    environmentGroup(trans, of, trans.__('Environment'), trans.__('the pipeline’s image'), [
      of('backend', trans.__('Backend'), 'offered', trans.__('the job’s'))
    ]),
    resourceGroup(trans, of),
    {
      id: 'data',
      label: trans.__('Data'),
      fields: [
        ...alone(
          of('dependencies', trans.__('Depends on'), 'order'),
          of('inputs', trans.__('Inputs'), 'pairs'),
          of('outputs', trans.__('Outputs'), 'outputs')
        ),
        of('mounts', trans.__('Mounts'), 'mounts')
      ]
    },
    {
      id: 'behaviour',
      label: trans.__('Behaviour'),
      fields: [
        ...alone(of('when', trans.__('When'), 'text', trans.__('always'))),
        { ...short(of('run_if', trans.__('Run if'), 'choice')), choices: RULES },
        short(of('final', trans.__('Final task'), 'flag')),
        short(of('skip', trans.__('Skip'), 'flag')),
        short(of('continue_on_failure', trans.__('Continue on failure'), 'flag')),
        short(of('timeout', trans.__('Timeout'), 'text', trans.__('none'))),
        short(of('retry.max_attempts', trans.__('Attempts'), 'number')),
        short(of('retry.delay', trans.__('Delay before a retry'), 'text', '0')),
        short(of('retry.backoff', trans.__('Backoff factor'), 'number')),
        short(of('cache', trans.__('Reuse results'), 'either', trans.__('as the pipeline'))),
        short(of('side_effects', trans.__('Has side effects'), 'flag'))
      ]
    }
  ];
}

/** The form of the pipeline itself. */
export function pipelineGroups(trans: TranslationBundle): FieldGroup[] {
  const of = fieldMaker(PIPELINE, trans);
  return [
    {
      id: 'pipeline',
      label: trans.__('Pipeline'),
      fields: [
        of('name', trans.__('Name'), 'text'),
        of('description', trans.__('Description'), 'text'),
        of('params', trans.__('Parameters'), 'params')
      ]
    },
    environmentGroup(trans, of, trans.__('Environment of every task'), trans.__('the server’s own Python')),
    resourceGroup(trans, of),
    { id: 'data', label: trans.__('Data'), fields: [of('mounts', trans.__('Mounts'), 'mounts')] },
    {
      id: 'behaviour',
      label: trans.__('Behaviour'),
      fields: [of('cache', trans.__('Reuse results of tasks'), 'flag')]
    }
  ];
}

/** The values of `fields` in one task's (or the pipeline's) data. */
export function formDataOf(groups: readonly FieldGroup[], data: Json | undefined): FormData {
  const found: Record<string, Json | undefined> = {};
  for (const field of fieldsOf(groups)) {
    found[field.id] = valueAt(data, field.path);
  }
  return found;
}

/** What all of `many` agree on; fields in which they differ have no value. */
export function commonData(many: readonly FormData[]): FormData {
  const [first = {}, ...rest] = many;
  const entries = Object.entries(first);
  return Object.fromEntries(entries.filter(([id, value]) => rest.every(other => isSame(other[id], value))));
}

/** What the pipeline gives to every task that says nothing else, by field id. */
export function inheritedData(data: Json | undefined, groups: readonly FieldGroup[]): FormData {
  const shared = fieldsOf(groups).filter(({ path }) => INHERITED.has(path[0]));
  return Object.fromEntries(shared.map(({ id, path }) => [id, valueAt(data, path)]));
}

/** Ids of the fields in which `many` differ. */
export function differing(many: readonly FormData[]): ReadonlySet<string> {
  const ids = new Set(many.flatMap(each => Object.keys(each)));
  return new Set([...ids].filter(id => many.some(each => !isSame(each[id], many[0]?.[id]))));
}

/** The edit that a new value of a field means; `names` empty: of the pipeline. Null where nothing changes. */
export function editFor(
  field: Field,
  names: readonly string[],
  before: Json | undefined,
  after: Json | undefined
): Edit | null {
  const value = normalized(field, after);
  if (isSame(before, value)) {
    return null;
  }
  if (names.length === 0) {
    return { kind: 'set-pipeline', path: field.path, value };
  }
  const [name] = names;
  if (field.id === 'name') {
    return { kind: 'rename-task', name, to: typeof value === 'string' ? value : '' };
  }
  if (field.kind === 'order' && isReordered(before, value)) {
    return { kind: 'order-dependencies', name, order: value as string[] };
  }
  return { kind: 'set-task', names, path: field.path, value };
}

/** Whether two values are the same JSON. */
export function isSame(left: Json | undefined, right: Json | undefined): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** What is written for a value: nothing for an empty one or a flag's default; numbers as numbers. */
function normalized(field: Field, value: Json | undefined): Json | undefined {
  if (value === undefined || value === null || value === '') {
    return field.id === 'name' ? '' : undefined;
  }
  if (value === false && field.kind === 'flag') {
    return undefined;
  }
  if (typeof value === 'object' && Object.keys(value).length === 0) {
    return undefined;
  }
  if (typeof value === 'string' && field.kind === 'number') {
    return Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return value;
}

function environmentGroup(
  trans: TranslationBundle,
  of: ReturnType<typeof fieldMaker>,
  label: string,
  usualImage: string,
  more: readonly Field[] = []
): FieldGroup {
  const fields = [
    ...more,
    of('environment.image', trans.__('Image'), 'image', usualImage),
    of('environment.envs', trans.__('Environment variables'), 'pairs'),
    short(of('environment.scaling-group', trans.__('Resource group'), 'offered')),
    short(of('environment.project', trans.__('Project'), 'offered'))
  ];
  return { id: 'environment', label, fields };
}

function resourceGroup(trans: TranslationBundle, of: ReturnType<typeof fieldMaker>): FieldGroup {
  const fields = [
    of('resources', trans.__('Resources'), 'resources'),
    short(of('resource_opts.shmem', trans.__('Shared memory'), 'text', '64m'))
  ];
  return { id: 'resources', label: trans.__('Resources'), fields };
}

function fieldMaker(root: SchemaNode, trans: TranslationBundle) {
  return (id: string, label: string, kind: FieldKind, placeholder?: string): Field => {
    const path = id.split('.');
    const node = path.reduce<SchemaNode>((at, key) => resolved(at).properties?.[key] ?? {}, root);
    const { description = '', minimum, maximum, default: usual } = node;
    const shown =
      placeholder ?? (typeof usual === 'number' || typeof usual === 'string' ? String(usual) : undefined);
    const help = description && trans._p('schema', description);
    return { id, label, help, kind, path, placeholder: shown, minimum, maximum };
  };
}

function short(field: Field): Field {
  return { ...field, isShort: true };
}

function resolved(node: SchemaNode): SchemaNode {
  return node.$ref ? DEFINITIONS[node.$ref.replace('#/$defs/', '')] : node;
}

function fieldsOf(groups: readonly FieldGroup[]): Field[] {
  return groups.flatMap(group => group.fields);
}

function valueAt(data: Json | undefined, path: readonly string[]): Json | undefined {
  let at: Json | undefined = data;
  for (const key of path) {
    at = isMapping(at) ? at[key] : undefined;
  }
  return at ?? undefined;
}

/** Whether a value is a mapping. */
export function isMapping(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isReordered(before: Json | undefined, after: Json | undefined): boolean {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) {
    return false;
  }
  return isSame([...before].sort(), [...after].sort());
}
