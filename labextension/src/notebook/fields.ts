/** The form's fields: words, examples, and what is wrong with a text while it is typed. The server has the last word. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { MarkKind } from './marks';
import type { Options } from './options';
import { SHAPES, splitPair, valueOf } from './options';

/** One field of the form. */
export interface Field {
  key: string;
  label: string;
  /** An example, shown while the field is empty. */
  example: string;
  /** What the field means, in one sentence. */
  help: string;
  /** Whether several lines are written. */
  isLong: boolean;
}

/** Fields that stand together under a heading. */
export interface Group {
  key: 'resources' | 'environment' | 'data' | 'course';
  label: string;
  fields: readonly Field[];
}

/** What kinds of cells are called. */
export function kindWord(kind: MarkKind | 'pipeline' | 'none', trans: TranslationBundle): string {
  switch (kind) {
    case 'task':
      return trans.__('Task');
    case 'shell':
      return trans.__('Shell task');
    case 'params':
      return trans.__('Parameters');
    case 'common':
      return trans.__('Common code');
    case 'skip':
      return trans.__('Left out');
    case 'pipeline':
      return trans.__('Pipeline');
    case 'none':
      return trans.__('Not part of the pipeline');
  }
}

/** What kinds of cells mean, in one sentence. */
export function kindHelp(kind: MarkKind | 'none', trans: TranslationBundle): string {
  switch (kind) {
    case 'task':
      return trans.__('The cell runs in a session of its own. Cells of one name are one task, in order.');
    case 'shell':
      return trans.__('The cell is a shell script, and a task of its own.');
    case 'params':
      return trans.__(
        'Each variable assigned here is a parameter of the pipeline; its value is the default.'
      );
    case 'common':
      return trans.__('Imports and functions that travel with every task that uses them.');
    case 'skip':
      return trans.__('The pipeline is built as if this cell were not there.');
    case 'none':
      return trans.__('Tasks cannot use what this cell defines.');
  }
}

/** The fields of a task, in groups; what most tasks need comes first. */
export function groupsOf(trans: TranslationBundle): readonly Group[] {
  return [
    {
      key: 'resources',
      label: trans.__('Image and resources'),
      fields: [...resourceFields(trans), taskBackendField(trans)]
    },
    { key: 'environment', label: trans.__('Environment'), fields: environmentFields(trans) },
    { key: 'data', label: trans.__('Data'), fields: dataFields(trans) },
    { key: 'course', label: trans.__('When it runs'), fields: courseFields(trans) }
  ];
}

/** The fields of a notebook's pipeline: what holds for all of its tasks, unless one says otherwise. */
export function defaultGroupsOf(trans: TranslationBundle): readonly Group[] {
  return [
    { key: 'resources', label: trans.__('Image and resources'), fields: resourceFields(trans) },
    { key: 'environment', label: trans.__('Environment'), fields: environmentFields(trans) }
  ];
}

/** Where a notebook's jobs run. */
export function backendField(trans: TranslationBundle): Field {
  return field('backend', trans.__('Backend'), 'local', trans.__('Where jobs of this notebook run.'));
}

/** Where one task runs. */
function taskBackendField(trans: TranslationBundle): Field {
  const help = trans.__('Where this task runs, wherever the others do.');
  return field('backend', trans.__('Backend'), 'local', help);
}

function field(key: string, label: string, example: string, help: string): Field {
  return { key, label, example, help, isLong: SHAPES[key] === 'lines' || SHAPES[key] === 'pairs' };
}

function resourceFields(trans: TranslationBundle): Field[] {
  return [
    field('image', trans.__('Image'), 'py:3.12', trans.__('What the task runs in.')),
    field('cpu', trans.__('CPU'), '2', trans.__('Cores.')),
    field('mem', trans.__('Memory'), '4g', trans.__('Such as 512m or 4g.')),
    field('gpu', trans.__('GPU'), '1', trans.__('Whole GPUs.')),
    field('gpu_share', trans.__('GPU share'), '0.5', trans.__('A part of one GPU.')),
    field('shm', trans.__('Shared memory'), '1g', trans.__('Size of /dev/shm.')),
    field('slot', trans.__('Other slots'), 'rocm.device=1', trans.__('NAME=AMOUNT, one a line.'))
  ];
}

function environmentFields(trans: TranslationBundle): Field[] {
  return [
    field(
      'requirements',
      trans.__('Requirements'),
      'pandas>=2 numpy',
      trans.__('Packages, instead of an image.')
    ),
    field(
      'requirements_file',
      trans.__('Requirements file'),
      'requirements.txt',
      trans.__('Beside the notebook.')
    ),
    field('env', trans.__('Variables'), 'EPOCHS=10', trans.__('NAME=VALUE, one a line.')),
    field(
      'secret',
      trans.__('Secrets'),
      'API_TOKEN',
      trans.__('Names only, one a line: values stay on the server.')
    ),
    field('mount', trans.__('Folders'), 'data:/data', trans.__('vfolder or vfolder:alias, one a line.')),
    field('project', trans.__('Project'), 'default', trans.__('On a cluster.')),
    field('group', trans.__('Resource group'), 'default', trans.__('On a cluster.'))
  ];
}

function dataFields(trans: TranslationBundle): Field[] {
  return [
    field('in', trans.__('Takes'), 'X, y', trans.__('Exactly these variables, whatever the cell seems to use.')), // prettier-ignore
    field('out', trans.__('Hands on'), 'model', trans.__('Also if no later task seems to use them.')),
    field('value', trans.__('Values'), 'accuracy=float', trans.__('Plain values that conditions can see: NAME=TYPE, one a line.')) // prettier-ignore
  ];
}

function courseFields(trans: TranslationBundle): Field[] {
  const when = trans.__('An expression; the task is skipped unless it is true.');
  const rule = trans.__('What must have become of the tasks before it.');
  return [
    field('when', trans.__('When'), 'params.quick', when),
    field('run_if', trans.__('Run if'), 'all_success', rule),
    field('timeout', trans.__('Time limit'), '1h30m', trans.__('Of one attempt.')),
    field('retry', trans.__('Attempts'), '2', trans.__('In all: 2 is one retry.'))
  ];
}

/** What `run_if` can be. */
export const RULES: readonly string[] = ['all_success', 'all_done', 'any_failed', 'one_success'];
const SIZE = /^\d+(\.\d+)?\s*([kmgtp](i?b)?|b)?$/i;
const TIME = /^(\d+(\.\d+)?\s*[smhdw]?\s*)+$/i;
const BACKEND = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(:[A-Za-z0-9._-]{1,64})?$/;
const VARIABLE = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const ENVIRONMENT = /^[A-Za-z_]\w*$/;

/** Why `name` is no name of a task, in words; null if it is one. */
export function nameProblem(name: string, trans: TranslationBundle): string | null {
  if (!name.trim()) {
    return trans.__('A task needs a name.');
  }
  return /^[\p{L}\p{M}\p{N} _-]{1,64}$/u.test(name) && name === name.trim()
    ? null
    : trans.__('Letters, digits, spaces, _ and - only; 64 at most.');
}

/** Why `name` is no name of a pipeline, in words; null if it is one, or empty: then the file's name is meant. */
export function pipelineNameProblem(name: string, trans: TranslationBundle): string | null {
  return name.length > 128 || name.includes('#') ? trans.__('128 characters at most, and no #.') : null;
}

/** Why `text` is no value of the option, in words; null if it is one. */
export function problemOf(key: string, text: string, trans: TranslationBundle): string | null {
  if (!text.trim()) {
    return null;
  }
  switch (key) {
    case 'cpu':
    case 'gpu_share':
      return Number(text) > 0 ? null : trans.__('A number is needed, such as 0.5.');
    case 'gpu':
    case 'retry':
      return /^[1-9]\d*$/.test(text.trim()) ? null : trans.__('A whole number is needed, such as 2.');
    case 'mem':
    case 'shm':
      return SIZE.test(text.trim()) ? null : trans.__('A size is needed, such as 512m or 4g.');
    case 'backend':
      return BACKEND.test(text.trim())
        ? null
        : trans.__('A backend is local, backend.ai or backend.ai:PROFILE.');
    case 'run_if':
      return RULES.includes(text.trim()) ? null : trans.__('It is one of %1.', RULES.join(', '));
    case 'timeout':
      return TIME.test(text.trim()) ? null : trans.__('A time is needed, such as 30s or 1h30m.');
    default:
      return listProblem(key, text, trans);
  }
}

function listProblem(key: string, text: string, trans: TranslationBundle): string | null {
  const value = valueOf(key, text);
  const lines = text.split('\n').filter(each => each.trim());
  switch (key) {
    case 'in':
    case 'out':
      return firstWrong(value, VARIABLE, bad => trans.__('“%1” is no variable’s name.', bad));
    case 'secret':
      return firstWrong(value, ENVIRONMENT, bad => trans.__('“%1” is no secret’s name.', bad));
    case 'env':
    case 'value':
    case 'slot': {
      const wrong = lines.find(each => !each.includes('=') || (key === 'env' && !ENVIRONMENT.test(splitPair(each)[0]))); // prettier-ignore
      return wrong === undefined ? null : trans.__('“%1” is not NAME=VALUE.', wrong.trim());
    }
    default:
      return null;
  }
}

function firstWrong(value: unknown, pattern: RegExp, say: (bad: string) => string): string | null {
  const wrong = Array.isArray(value) ? value.map(String).find(each => !pattern.test(each)) : undefined;
  return wrong === undefined ? null : say(wrong);
}

/** What does not go together, by the field at which it is said. */
export function conflictsOf(options: Options, trans: TranslationBundle): Readonly<Record<string, string>> {
  const has = (key: string) => options[key] !== undefined && options[key] !== '';
  const found: Record<string, string> = {};
  if (has('image') && (has('requirements') || has('requirements_file'))) {
    found.requirements = trans.__('Requirements and an image are both given: keep one of them.');
  }
  if (has('gpu') && has('gpu_share')) {
    found.gpu_share = trans.__('GPU and GPU share are both given: keep one of them.');
  }
  return found;
}
