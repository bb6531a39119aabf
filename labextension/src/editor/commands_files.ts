/** Commands on pipeline files, for the file browser's context menu, the palette and whoever knows their ids. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette, IWidgetTracker } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Api } from '../api';
import { toSource } from '../api';
import type { ValidationView } from '../generated';
import type { IJobs } from '../tokens';
import { CommandIDs, FACTORY } from '../tokens';
import { EditorCommands } from './commands';
import { pipelineIcon } from './commands_icons';
import type { PipelineDocumentWidget } from './factory';
import { troubleOf } from './run_model';

/** What the commands act by. */
export interface FileCommandParts {
  app: JupyterFrontEnd;
  tracker: IWidgetTracker<PipelineDocumentWidget>;
  api: Api;
  jobs: IJobs;
  trans: TranslationBundle;
  browser: FileBrowser | null;
}

/** Add them: a file is named by `path`, else the one selected in the file browser (`isBrowser`), else the current editor's. */
export function addFileCommands(parts: FileCommandParts): void {
  const { app, tracker, trans } = parts;
  const { commands } = app;
  const isThere = (args: ReadonlyPartialJSONObject) => pathOf(args, parts) !== null;
  commands.addCommand(CommandIDs.openPipeline, {
    label: trans.__('Open in pipeline editor'),
    icon: args => (args.isBrowser ? pipelineIcon : undefined),
    isEnabled: isThere,
    execute: args => openPipeline(args, parts)
  });
  commands.addCommand(CommandIDs.run, {
    label: args => (args.isBrowser ? trans.__('Run pipeline') : trans.__('Run the pipeline')),
    isEnabled: isThere,
    execute: async args => (await openPipeline(args, parts))?.running.run()
  });
  commands.addCommand(CommandIDs.validate, {
    label: args => (args.isBrowser ? trans.__('Validate pipeline') : trans.__('Validate the pipeline')),
    isEnabled: isThere,
    execute: async args => {
      const path = pathOf(args, parts);
      const open = path !== null && tracker.find(each => each.context.path === path);
      if (open) {
        await open.context.ready;
      }
      return path === null ? undefined : validate(path, open ? open.content.model.text : null, parts);
    }
  });
}

/** Put what a person may look for by name into the command palette. */
export function addToPalette(palette: ICommandPalette, trans: TranslationBundle): void {
  const category = trans.__('FastTrack');
  const plain = [
    EditorCommands.run,
    EditorCommands.runWithParams,
    EditorCommands.runFrom,
    EditorCommands.runFailed
  ];
  const more = [
    EditorCommands.plan,
    EditorCommands.diff,
    EditorCommands.useCache,
    EditorCommands.stop,
    EditorCommands.add,
    EditorCommands.remark
  ];
  const views = [EditorCommands.arrange, EditorCommands.fit, EditorCommands.search, EditorCommands.help];
  for (const command of [...plain, ...more, ...views, EditorCommands.problems, CommandIDs.validate]) {
    palette.addItem({ command, category, args: { isPalette: true } });
  }
  for (const pane of ['palette', 'outline', 'canvas', 'yaml', 'dock']) {
    palette.addItem({ command: EditorCommands.pane, category, args: { isPalette: true, pane } });
  }
}

function pathOf(args: ReadonlyPartialJSONObject, { browser, tracker }: FileCommandParts): string | null {
  if (typeof args.path === 'string') {
    return args.path;
  }
  if (args.isBrowser) {
    const [item] = browser?.selectedItems() ?? [];
    return item?.path ?? null;
  }
  return tracker.currentWidget?.context.path ?? null;
}

async function openPipeline(
  args: ReadonlyPartialJSONObject,
  parts: FileCommandParts
): Promise<PipelineDocumentWidget | null> {
  const path = pathOf(args, parts);
  if (path === null) {
    return null;
  }
  await parts.app.commands.execute('docmanager:open', { path, factory: FACTORY });
  const document = parts.tracker.find(each => each.context.path === path) ?? null;
  await document?.content.restored;
  if (document && typeof args.job === 'string') {
    document.content.choice.show(args.job);
  }
  if (document && typeof args.task === 'string') {
    document.content.canvas.select([args.task]);
    document.content.canvas.reveal(args.task);
  }
  return document;
}

async function validate(
  path: string,
  text: string | null,
  parts: FileCommandParts
): Promise<ValidationView | null> {
  const { app, api, jobs, trans } = parts;
  const name = PathExt.basename(path);
  const open = { label: trans.__('Open'), callback: () => void openPipeline({ path }, parts) };
  try {
    const file =
      text === null
        ? await app.serviceManager.contents.get(path, { type: 'file', format: 'text', content: true })
        : null;
    const body = { text: text ?? String(file?.content ?? ''), source: toSource(path, jobs.info?.root) };
    const found = await api.send<ValidationView>('POST', 'validate', body);
    const [first] = found.problems.filter(each => each.severity === 'error');
    if (found.valid) {
      Notification.success(trans._n('%2 is valid: one task.', '%2 is valid: %1 tasks.', found.tasks, name), {
        autoClose: 5000
      });
    } else {
      const count = found.problems.filter(each => each.severity === 'error').length;
      const words = trans._n('%2 has one error.', '%2 has %1 errors.', count, name);
      Notification.error(first ? `${words} ${first.line}:${first.column} ${first.message}` : words, {
        autoClose: false,
        actions: [open]
      });
    }
    return found;
  } catch (error) {
    const { message, hint } = troubleOf(error);
    Notification.error(
      [trans.__('%1 could not be checked.', name), message, hint].filter(Boolean).join(' '),
      {
        autoClose: 10_000
      }
    );
    return null;
  }
}
