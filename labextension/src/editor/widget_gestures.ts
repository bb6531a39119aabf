/** What a person does on the canvas, and what it means. */
import type { CommandRegistry } from '@lumino/commands';

import { stateOf } from '../status';
import type { Gesture } from './canvas-types';
import type { Failed } from './menu';
import { openMenu } from './menu';
import { instanceOf } from './monitor';
import type { RunActions } from './run_actions';
import type { PipelineEditor } from './widget';
import type { EditorActions } from './widget_actions';

/** Answer the gestures of `editor`'s canvas; `id` is how commands know the editor. */
export function answerGestures(
  editor: PipelineEditor,
  actions: EditorActions,
  running: RunActions,
  id: string,
  commands: CommandRegistry
): void {
  editor.canvas.gestures.connect((_, gesture) => answer(gesture, editor, actions, running, id, commands));
  editor.graph.dropped.connect((_, dropped) => actions.drop(dropped));
}

function answer(
  gesture: Gesture,
  editor: PipelineEditor,
  actions: EditorActions,
  running: RunActions,
  id: string,
  commands: CommandRegistry
): void {
  switch (gesture.kind) {
    case 'edit':
      editor.edit(gesture.edit);
      break;
    case 'open':
      editor.openDock(gesture.panel, gesture.name);
      break;
    case 'add':
      actions.addTask(gesture.position, gesture.after);
      break;
    case 'rename':
      actions.askName(gesture.name);
      break;
    case 'edit-remark':
      actions.askRemark(gesture.id);
      break;
    case 'copy':
      void actions.copy(gesture.names);
      break;
    case 'cut':
      void actions.cut(gesture.names);
      break;
    case 'paste':
      void actions.paste(gesture.position);
      break;
    case 'menu':
      openMenu(gesture, id, commands, editor.trans, failedOf(gesture.names, editor));
      break;
    case 'run':
      void running.run();
      break;
    case 'run-from':
      void running.run({ from: [gesture.name] });
      break;
    case 'stop':
      void running.stop(gesture.names);
      break;
    case 'search':
      actions.search();
      break;
    case 'help':
      actions.help();
      break;
    case 'refused':
      editor.refuse(gesture.message);
      break;
  }
}

/** The failed task instance of the job that is shown, if it is just one task that is meant. */
function failedOf(names: readonly string[], { choice }: PipelineEditor): Failed | null {
  const instance = choice.job && names.length === 1 ? instanceOf(choice.job, names[0]) : undefined;
  const isFailed = instance !== undefined && stateOf(instance) === 'failure';
  return choice.job && isFailed ? { job: choice.job.id, path: instance.path } : null;
}
