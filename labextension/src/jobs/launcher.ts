/** Making pipelines: commands, the launcher's card, palette entries. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { ILauncher } from '@jupyterlab/launcher';

import { CommandIDs } from '../tokens';
import { PanelCommandIDs } from './commands';
import type { IJobsCore } from './core';
import { newFile, writeNew } from './files';
import { pipelineIcon } from './icons';
import { importPipeline } from './importing';
import type { Opening } from './opening';
import { EXAMPLE, newPipelineText } from './templates';

/** Make and open the example pipeline. Args: `cwd?`. */
export const EXAMPLE_COMMAND = 'fasttrack:example-pipeline';

/** What is there to be used; a front end may lack any of them. */
export interface LauncherParts {
  app: JupyterFrontEnd;
  core: IJobsCore;
  opening: Opening;
  browser: IDefaultFileBrowser | null;
  launcher: ILauncher | null;
  palette: ICommandPalette | null;
}

/** Commands that make a pipeline file; each opens what it made. */
export function addMaking(parts: LauncherParts): void {
  const { app, core, opening, browser } = parts;
  const { api, trans } = core;
  const files = app.serviceManager.contents;
  const folderOf = (cwd: unknown): string => (typeof cwd === 'string' ? cwd : (browser?.model.path ?? ''));
  const add = (id: string, label: (isCard: boolean) => string, caption: string, make: Make): void => {
    app.commands.addCommand(id, {
      label: args => label(args.isLauncher === true),
      caption,
      icon: args => (args.isPalette ? undefined : pipelineIcon),
      execute: args => opened(opening, () => make(folderOf(args.cwd), args.path))
    });
  };
  add(
    CommandIDs.newPipeline,
    isCard => (isCard ? trans.__('Pipeline') : trans.__('New pipeline')),
    trans.__('Make a pipeline, and open it in the editor'),
    folder => newFile(files, folder, newPipelineText)
  );
  add(
    EXAMPLE_COMMAND,
    () => trans.__('New pipeline from the example'),
    trans.__('A pipeline of four tasks that runs anywhere'),
    folder => writeNew(files, folder, 'example', EXAMPLE)
  );
  add(
    CommandIDs.importPipeline,
    () => trans.__('Import a pipeline…'),
    trans.__('Bring a FastTrack pipeline of any generation in'),
    (folder, path) =>
      importPipeline({ api, files, trans }, folder, typeof path === 'string' ? path : undefined)
  );
}

type Make = (folder: string, path: unknown) => Promise<string | null>;

/** The path that was made, after it was opened; null where nothing was. */
async function opened(opening: Opening, make: () => Promise<string | null>): Promise<string | null> {
  try {
    const path = await make();
    if (path !== null) {
      await opening.pipeline(path);
    }
    return path;
  } catch (error) {
    opening.tell(error);
    return null;
  }
}

/** The launcher's card and the palette's entries. */
export function addEntries(parts: LauncherParts): void {
  const { core, launcher, palette } = parts;
  const category = 'FastTrack';
  launcher?.add({ command: CommandIDs.newPipeline, category, rank: 1, args: { isLauncher: true } });
  const commands = [
    ...[CommandIDs.newPipeline, EXAMPLE_COMMAND, CommandIDs.importPipeline, CommandIDs.showPanel],
    ...[PanelCommandIDs.chooseJob, PanelCommandIDs.canvas, CommandIDs.cancelJob, CommandIDs.rerunJob],
    CommandIDs.compareJobs
  ];
  const title = core.trans.__('FastTrack');
  commands.forEach(command => palette?.addItem({ command, category: title, args: { isPalette: true } }));
  palette?.addItem({
    command: CommandIDs.rerunJob,
    category: title,
    args: { isPalette: true, fromFailed: true }
  });
}
