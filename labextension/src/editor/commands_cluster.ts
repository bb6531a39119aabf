/** What a cluster offers, given to the selected tasks: an image to run in, a vfolder to mount. */
import type { IWidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../tokens';
import type { PipelineDocument } from './commands';
import type { Edit, Json } from './edits';
import { isMapping } from './properties_fields';
import type { PipelineEditor } from './widget';

/** Add the commands; each resolves to words about what was done. */
export function addUseCommands(
  commands: CommandRegistry,
  tracker: IWidgetTracker<PipelineDocument>,
  trans: TranslationBundle
): void {
  const isEnabled = (): boolean => {
    const editor = tracker.currentWidget?.content;
    return editor !== undefined && editor.isEditable && editor.selected.length > 0;
  };
  const add = (id: string, label: string, use: (editor: PipelineEditor, what: string) => string): void => {
    commands.addCommand(id, {
      label,
      isEnabled,
      execute: args => {
        const editor = tracker.currentWidget?.content;
        return editor && use(editor, String(args.image ?? args.folder ?? ''));
      }
    });
  };
  add(CommandIDs.useImage, trans.__('Use an image in the selected task'), (editor, image) => {
    const names = editor.selected;
    const refused = editor.edit({ kind: 'set-task', names, path: ['environment', 'image'], value: image });
    return refused ?? trans.__('%1: the image is %2 now.', names.join(', '), image);
  });
  add(CommandIDs.useFolder, trans.__('Mount a vfolder in the selected task'), (editor, folder) => {
    const names = editor.selected;
    const refused = mountEdits(editor, names, folder).map(edit => editor.edit(edit));
    return refused.find(Boolean) ?? trans.__('%1: %2 is mounted.', names.join(', '), folder);
  });
  tracker.currentChanged.connect(() => commands.notifyCommandChanged(CommandIDs.useImage));
}

/** An edit for each task that does not mount the vfolder yet. */
export function mountEdits(
  { model }: { model: { taskData(name: string): Json | undefined } },
  names: readonly string[],
  folder: string
): Edit[] {
  return names.flatMap((name): Edit[] => {
    const data = model.taskData(name);
    const mounts = isMapping(data) && Array.isArray(data.mounts) ? (data.mounts as Json[]) : [];
    const isThere = mounts.some(each => String(each).split(':')[0] === folder);
    return isThere ? [] : [{ kind: 'set-task', names: [name], path: ['mounts'], value: [...mounts, folder] }];
  });
}
