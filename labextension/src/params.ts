/**
 * A pipeline's declared parameters as fields of a form, and what is typed there as values. Pure.
 *
 * A field holds text, as inputs do; the engine reads it as the parameter's type and has the last word. What
 * is checked here is checked so that the words can stand at the field while it is typed.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

/** The types that a parameter can have. */
export type ParamType = 'int' | 'float' | 'str' | 'bool' | 'list' | 'struct';

/** One declared parameter. */
export interface ParamField {
  name: string;
  type: ParamType;
  description: string;
  /** The default as text of the field; empty where there is none. */
  initial: string;
  hasDefault: boolean;
  isRequired: boolean;
  /** The only values allowed, as texts of the field; empty where any is. */
  choices: readonly string[];
}

const NAMES: Readonly<Record<string, ParamType>> = {
  int: 'int',
  integer: 'int',
  float: 'float',
  number: 'float',
  double: 'float',
  str: 'str',
  string: 'str',
  bool: 'bool',
  boolean: 'bool',
  list: 'list',
  struct: 'struct',
  dict: 'struct'
};

/** The fields of `params` as it stands in the YAML; what cannot be one is left out (validation tells of it). */
export function fieldsOf(params: unknown): ParamField[] {
  return Array.isArray(params) ? params.map(fieldOf).filter(each => each !== null) : [];
}

/** Why `text` is no value of the field, in words; null if it is one. */
export function problemOf(field: ParamField, text: string, trans: TranslationBundle): string | null {
  if (text === '' && field.type !== 'str') {
    return field.isRequired ? trans.__('A value is needed.') : null;
  }
  switch (field.type) {
    case 'int':
      return /^[+-]?\d+$/.test(text.trim()) ? null : trans.__('A whole number is needed, such as 10.');
    case 'float':
      return text.trim() !== '' && Number.isFinite(Number(text))
        ? null
        : trans.__('A number is needed, such as 0.5.');
    case 'list':
      return isJson(text, Array.isArray) ? null : trans.__('A JSON list is needed, such as [1, 2].');
    case 'struct':
      return isJson(text, isMapping) ? null : trans.__('A JSON object is needed, such as {"a": 1}.');
    default:
      return null;
  }
}

/**
 * The values to send: those that differ from the defaults, so that a later change of a default still counts.
 * `texts` holds what stands in the fields by name.
 */
export function valuesOf(
  fields: readonly ParamField[],
  texts: Readonly<Record<string, string>>
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const text = texts[field.name] ?? field.initial;
    const isAsDeclared = text === field.initial && (field.hasDefault || !field.isRequired);
    if (!isAsDeclared) {
      values[field.name] = valueOf(field, text);
    }
  }
  return values;
}

/** Whether a job needs to be asked for: some value is needed that no default gives. */
export function needsAsking(fields: readonly ParamField[]): boolean {
  return fields.some(field => field.isRequired && !field.hasDefault);
}

function valueOf(field: ParamField, text: string): unknown {
  switch (field.type) {
    case 'int':
    case 'float':
      return text.trim() === '' ? null : Number(text);
    case 'bool':
      return text === 'true';
    case 'list':
    case 'struct':
      return text.trim() === '' ? null : JSON.parse(text);
    default:
      return text;
  }
}

function fieldOf(value: unknown): ParamField | null {
  if (!isMapping(value) || typeof value.name !== 'string' || !value.name) {
    return null;
  }
  const type = NAMES[String(value.type ?? 'str').toLowerCase()] ?? 'str';
  const hasDefault = 'default' in value;
  return {
    name: value.name,
    type,
    description: typeof value.description === 'string' ? value.description : '',
    initial: textOf(value.default ?? (type === 'bool' ? false : null)),
    hasDefault,
    isRequired: typeof value.required === 'boolean' ? value.required : !hasDefault,
    choices: Array.isArray(value.choices) ? value.choices.map(textOf) : []
  };
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(text: string, holds: (value: unknown) => boolean): boolean {
  try {
    return holds(JSON.parse(text));
  } catch {
    return false;
  }
}
