/** What a person does on the canvas, and what it means. */
import type { CommandRegistry } from '@lumino/commands';

import type { Gesture } from './canvas-types';
import { openMenu } from './menu';
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
      openMenu(gesture, id, commands, editor.trans);
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
