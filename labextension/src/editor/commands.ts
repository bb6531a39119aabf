/**
 * The editor's commands: each acts on the editor named by `editor` (a widget's id: toolbar buttons say it), else on
 * the current one. Their keys are in `schema/plugin.json`; single letters are the canvas's own.
 */
import type { IWidgetTracker } from '@jupyterlab/apputils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { redoIcon, runIcon, searchIcon, stopIcon, undoIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { DisposableSet } from '@lumino/disposable';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Alignment } from './canvas-types';
import { fitIcon, layoutIcon } from './commands_icons';
import { isUnfinished } from './monitor';
import { planSpecs } from './plan_commands';
import type { RunActions } from './run_actions';
import type { PaneName } from './settings';
import type { PipelineEditor } from './widget';
import type { EditorActions } from './widget_actions';

/** A pipeline editor as JupyterLab's main area holds it. */
export type PipelineDocument = IDocumentWidget<PipelineEditor> & {
  actions: EditorActions;
  running: RunActions;
};

/** Ids of the editor's own commands; those that others call are in `tokens.ts`. */
export const EditorCommands = {
  run: 'fasttrack-editor:run',
  runWithParams: 'fasttrack-editor:run-with-parameters',
  runFrom: 'fasttrack-editor:run-from-here',
  runOnly: 'fasttrack-editor:run-only',
  runFailed: 'fasttrack-editor:run-failed',
  plan: 'fasttrack-editor:plan',
  useCache: 'fasttrack-editor:run-without-cache',
  diff: 'fasttrack-editor:diff-with-last-job',
  stop: 'fasttrack-editor:stop',
  stopTasks: 'fasttrack-editor:stop-tasks',
  showJob: 'fasttrack-editor:show-job',
  olderJobs: 'fasttrack-editor:older-jobs',
  copyJob: 'fasttrack-editor:copy-job-pipeline',
  undo: 'fasttrack-editor:undo',
  redo: 'fasttrack-editor:redo',
  arrange: 'fasttrack-editor:arrange',
  align: 'fasttrack-editor:align',
  fit: 'fasttrack-editor:fit',
  search: 'fasttrack-editor:search',
  help: 'fasttrack-editor:help',
  pane: 'fasttrack-editor:toggle-pane',
  problems: 'fasttrack-editor:toggle-problems',
  open: 'fasttrack-editor:open-tab',
  add: 'fasttrack-editor:add-task',
  remark: 'fasttrack-editor:add-comment',
  connect: 'fasttrack-editor:connect',
  rename: 'fasttrack-editor:rename',
  remove: 'fasttrack-editor:delete',
  duplicate: 'fasttrack-editor:duplicate',
  copy: 'fasttrack-editor:copy',
  cut: 'fasttrack-editor:cut',
  paste: 'fasttrack-editor:paste',
  skip: 'fasttrack-editor:skip',
  pin: 'fasttrack-editor:pin',
  copyCommand: 'fasttrack-editor:copy-command'
} as const;

type Args = ReadonlyPartialJSONObject;

/** What a command is, for an editor. */
export interface Spec {
  label: string | ((args: Args) => string);
  caption?: string;
  icon?: LabIcon;
  does: (document: PipelineDocument, args: Args) => unknown;
  /** Where left out: whenever there is an editor. */
  can?: (editor: PipelineEditor, args: Args) => boolean;
  isOn?: (editor: PipelineEditor, args: Args) => boolean;
}

/** Add the commands; disposing takes them away. */
export function addEditorCommands(
  commands: CommandRegistry,
  tracker: IWidgetTracker<PipelineDocument>,
  trans: TranslationBundle
): IDisposable {
  const added = new DisposableSet();
  const find = (args: Args) =>
    typeof args.editor === 'string' ? tracker.find(each => each.id === args.editor) : tracker.currentWidget;
  const specs = { ...runSpecs(trans), ...viewSpecs(trans), ...editSpecs(trans) };
  for (const [id, spec] of Object.entries(specs)) {
    const { label, caption, icon, does, can, isOn } = spec;
    const ask = (test: Spec['can']) => (args: Args) => {
      const document = find(args);
      return !!document && (test?.(document.content, args) ?? true);
    };
    added.add(
      commands.addCommand(id, {
        label: args => (typeof label === 'string' ? label : label(args)),
        caption: caption ?? '',
        icon: args => (args.isPalette || args.isMenu ? undefined : icon),
        isEnabled: ask(can),
        isToggleable: isOn !== undefined,
        isToggled: isOn ? ask(isOn) : undefined,
        execute: args => {
          const document = find(args);
          return document && does(document, args);
        }
      })
    );
  }
  return added;
}

function runSpecs(trans: TranslationBundle): Record<string, Spec> {
  const idle = (editor: PipelineEditor) => !editor.runs.busy;
  const some = (editor: PipelineEditor) => idle(editor) && editor.selected.length > 0;
  const isGoing = (editor: PipelineEditor) => !!editor.choice.job && isUnfinished(editor.choice.job);
  return {
    [EditorCommands.run]: {
      label: trans.__('Run'),
      caption: trans.__('Save, check and run the pipeline'),
      icon: runIcon,
      can: idle,
      does: document => document.running.run()
    },
    [EditorCommands.runWithParams]: {
      label: trans.__('Run with parameters…'),
      can: idle,
      does: document => document.running.askParams()
    },
    [EditorCommands.runFrom]: {
      label: trans.__('Run from here'),
      caption: trans.__('Run the selected task and all that need it'),
      can: some,
      does: document => document.running.run({ from: document.content.selected })
    },
    [EditorCommands.runOnly]: {
      label: trans.__('Run only this'),
      can: some,
      does: document => document.running.runOnly(document.content.selected)
    },
    [EditorCommands.runFailed]: {
      label: trans.__('Run failed only'),
      caption: trans.__('A new job with the pipeline as it is now, reusing what succeeded'),
      can: editor => idle(editor) && (editor.choice.id !== null || editor.choice.list.length > 0),
      does: document => document.running.runFailed()
    },
    ...planSpecs(EditorCommands, idle, trans),
    [EditorCommands.stop]: {
      label: trans.__('Stop'),
      caption: trans.__('Cancel the job that is shown'),
      icon: stopIcon,
      can: isGoing,
      does: document => document.running.stop()
    },
    [EditorCommands.stopTasks]: {
      label: trans.__('Cancel this task'),
      can: editor => isGoing(editor) && editor.selected.length > 0,
      does: document => document.running.stop(document.content.selected)
    },
    ...jobSpecs(trans)
  };
}

function jobSpecs(trans: TranslationBundle): Record<string, Spec> {
  return {
    [EditorCommands.showJob]: {
      label: args => (typeof args.label === 'string' ? args.label : trans.__('Back to editing')),
      does: ({ content }, { job }) =>
        job === 'latest'
          ? content.choice.showLatest()
          : content.choice.show(typeof job === 'string' ? job : null),
      isOn: ({ choice }, { job }) =>
        job === 'latest' ? choice.isLatest : !choice.isLatest && choice.id === (job ?? null)
    },
    [EditorCommands.olderJobs]: {
      label: trans.__('Older jobs…'),
      can: editor => editor.choice.hasMore,
      does: document => document.content.choice.more()
    },
    [EditorCommands.copyJob]: {
      label: trans.__('Copy this job’s pipeline'),
      can: editor => editor.choice.text !== null,
      does: document => document.actions.copyJobText()
    }
  };
}

function viewSpecs(trans: TranslationBundle): Record<string, Spec> {
  const panes: Record<string, string> = {
    palette: trans.__('Palette'),
    outline: trans.__('Outline'),
    canvas: trans.__('Canvas'),
    yaml: trans.__('YAML'),
    dock: trans.__('Details')
  };
  const tabs: Record<string, string> = {
    properties: trans.__('Properties'),
    log: trans.__('Log'),
    outputs: trans.__('Outputs'),
    resources: trans.__('Resources'),
    attempts: trans.__('Attempts')
  };
  return {
    [EditorCommands.arrange]: {
      label: ({ direction }) =>
        direction === 'TB'
          ? trans.__('Lay out from top to bottom')
          : direction === 'LR'
            ? trans.__('Lay out from left to right')
            : trans.__('Lay out'),
      caption: trans.__('Lay all tasks out anew; pinned ones stay'),
      icon: layoutIcon,
      does: ({ content }, { direction }) =>
        content.canvas.arrange(direction === 'TB' || direction === 'LR' ? direction : undefined)
    },
    [EditorCommands.fit]: {
      label: trans.__('Show all'),
      icon: fitIcon,
      does: document => document.content.canvas.fitView()
    },
    [EditorCommands.search]: {
      label: trans.__('Search a task'),
      icon: searchIcon,
      does: document => document.actions.search()
    },
    [EditorCommands.help]: { label: trans.__('Keys'), does: document => document.actions.help() },
    [EditorCommands.pane]: {
      label: ({ pane }) => panes[String(pane)] ?? trans.__('Pane'),
      does: ({ content }, { pane }) => content.panes.toggle(pane as PaneName),
      isOn: ({ panes: shown }, { pane }) => shown.isShown(pane as PaneName)
    },
    [EditorCommands.problems]: {
      label: trans.__('Problems'),
      does: ({ content }) => content.toggleProblems(),
      isOn: editor => !editor.problems.isHidden
    },
    [EditorCommands.open]: {
      label: ({ tab }) => tabs[String(tab)] ?? trans.__('Details'),
      does: ({ content }, { tab }) => content.openDock(tab as keyof typeof tabs as 'properties')
    }
  };
}

function editSpecs(trans: TranslationBundle): Record<string, Spec> {
  const free = ({ feed, isFileReadOnly }: PipelineEditor) => !feed.isFrozen && !isFileReadOnly;
  const one = (editor: PipelineEditor) => free(editor) && editor.selected.length === 1;
  const some = (editor: PipelineEditor) => free(editor) && editor.selected.length > 0;
  const any = (editor: PipelineEditor) => editor.selected.length > 0;
  const spec = (label: string, can: Spec['can'], does: Spec['does'], icon?: LabIcon): Spec => ({
    label,
    can,
    does,
    icon
  });
  const ofSelected = (
    work: (document: PipelineDocument, names: readonly string[]) => unknown
  ): Spec['does'] => {
    return document => work(document, document.content.selected);
  };
  return {
    [EditorCommands.undo]: spec(
      trans.__('Undo'),
      e => e.model.canUndo,
      d => d.content.model.undo(),
      undoIcon
    ),
    [EditorCommands.redo]: spec(
      trans.__('Redo'),
      e => e.model.canRedo,
      d => d.content.model.redo(),
      redoIcon
    ),
    [EditorCommands.add]: spec(trans.__('Add a task'), free, d => d.actions.addTask()),
    [EditorCommands.remark]: spec(trans.__('Add a comment'), free, d => d.actions.askRemark()),
    [EditorCommands.connect]: spec(trans.__('Connect to…'), one, d =>
      d.content.canvas.startConnecting(d.content.selected[0])
    ),
    [EditorCommands.rename]: spec(trans.__('Rename'), one, d => d.actions.askName(d.content.selected[0])),
    [EditorCommands.remove]: spec(
      trans.__('Delete'),
      some,
      ofSelected((d, names) => d.content.edit({ kind: 'remove-tasks', names }))
    ),
    [EditorCommands.duplicate]: spec(
      trans.__('Duplicate'),
      some,
      ofSelected((d, names) => d.content.edit({ kind: 'duplicate', names }))
    ),
    [EditorCommands.copy]: spec(
      trans.__('Copy'),
      any,
      ofSelected((d, names) => d.actions.copy(names))
    ),
    [EditorCommands.cut]: spec(
      trans.__('Cut'),
      some,
      ofSelected((d, names) => d.actions.cut(names))
    ),
    [EditorCommands.paste]: spec(trans.__('Paste'), free, d => d.actions.paste()),
    [EditorCommands.copyCommand]: spec(trans.__('Copy command'), any, d =>
      d.actions.copyCommand(d.content.selected[0])
    ),
    [EditorCommands.skip]: {
      ...spec(
        trans.__('Skip'),
        some,
        ofSelected((d, names) => d.actions.toggleSkip(names))
      ),
      isOn: editor =>
        editor.selected.length > 0 &&
        editor.model.graph.tasks.filter(each => editor.selected.includes(each.name)).every(each => each.skip)
    },
    [EditorCommands.pin]: spec(
      trans.__('Pin or unpin the place'),
      some,
      ofSelected((d, names) => d.actions.togglePin(names))
    ),
    ...alignSpec(trans)
  };
}

function alignSpec(trans: TranslationBundle): Record<string, Spec> {
  return {
    [EditorCommands.align]: {
      label: ({ how }) => alignWords(trans)[String(how)] ?? trans.__('Align'),
      can: editor => editor.selected.length > 1,
      does: ({ content }, { how }) => content.canvas.align(how as Alignment)
    }
  };
}

function alignWords(trans: TranslationBundle): Record<string, string> {
  return {
    left: trans.__('Align left edges'),
    center: trans.__('Align centres, one below another'),
    right: trans.__('Align right edges'),
    top: trans.__('Align upper edges'),
    middle: trans.__('Align centres, side by side'),
    bottom: trans.__('Align lower edges'),
    columns: trans.__('Spread evenly from left to right'),
    rows: trans.__('Spread evenly from top to bottom')
  };
}
