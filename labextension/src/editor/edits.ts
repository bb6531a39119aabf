/**
 * Every gesture as a value, and the smallest change of the text that it means. Pure: text and edit in, changes out;
 * comments, order and formatting of everything else stay as they are.
 */
import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';

import { DOMAIN } from '../tokens';
import { isObject, Source } from './document_source';
import { Editing } from './edits_wanted';
import { write } from './edits_write';
import type { Position } from './graph';

/** JSON, as it stands in a form or on the clipboard. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One gesture. Names are task names as they stand in the text. */
export type Edit =
  | { kind: 'add-tasks'; tasks: readonly Json[]; after?: readonly string[] }
  | { kind: 'remove-tasks'; names: readonly string[] }
  | { kind: 'rename-task'; name: string; to: string }
  | { kind: 'connect'; from: string; to: string }
  | { kind: 'disconnect'; from: string; to: string }
  | { kind: 'order-dependencies'; name: string; order: readonly string[] }
  /** `value` undefined removes the key; parents are made as needed, and removed when they become empty. */
  | {
      kind: 'set-task';
      names: readonly string[];
      path: readonly (string | number)[];
      value: Json | undefined;
    }
  | { kind: 'set-pipeline'; path: readonly (string | number)[]; value: Json | undefined }
  /** Tasks as YAML text, such as the clipboard holds; names that are taken get a number. */
  | { kind: 'paste'; text: string }
  | { kind: 'duplicate'; names: readonly string[] }
  /** null unpins. */
  | { kind: 'pin'; positions: Readonly<Record<string, Position | null>> }
  | { kind: 'set-remark'; id: string; text: string | null; position?: Position };

/** Replace `from … to` of the text by `insert`; offsets in UTF-16 units of the text before. */
export interface TextChange {
  from: number;
  to: number;
  insert: string;
}

/** An edit that cannot be made, and why. */
export class EditRefused extends Error {
  /** `message` is what is wrong with which named thing, `hint` what to do. */
  constructor(
    message: string,
    readonly hint: string = ''
  ) {
    super(message);
    this.name = 'EditRefused';
  }
}

/** What an edit means for the text. */
export interface Edited {
  /** Ascending, none overlapping; empty where nothing changes. */
  changes: TextChange[];
  /** The tasks that should be selected afterwards. */
  selects: string[];
}

/**
 * What `edit` means for `text`; throws EditRefused in the language of `trans`.
 * `source` is the reading of exactly this text, if the caller has one.
 */
export function applyEdit(
  text: string,
  edit: Edit,
  trans: TranslationBundle = nullTranslator.load(DOMAIN),
  source: Source = new Source(text)
): Edited {
  if (source.isBroken || (source.root !== null && !isObject(source.data)) || source.text !== text) {
    throw new EditRefused(
      trans.__('The text cannot be read just now, so nothing in it can be changed from here'),
      trans.__('Correct the YAML first; the problems list says where.')
    );
  }
  const { data, selects, raw } = new Editing(source, trans).want(edit);
  return { changes: write(source, data, trans, raw).changes, selects: [...selects] };
}
