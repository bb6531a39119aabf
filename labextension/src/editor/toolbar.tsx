/** The editor's toolbar: JupyterLab's own buttons on the editor's commands, and two choices: backend and job. */
import { ReactWidget } from '@jupyterlab/apputils';
import {
  CommandToolbarButton,
  HTMLSelect,
  ToolbarButtonComponent,
  caretDownEmptyIcon
} from '@jupyterlab/ui-components';
import type { Toolbar } from '@jupyterlab/ui-components';
import { Toolbar as ToolbarItems } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Menu, Widget } from '@lumino/widgets';
import * as React from 'react';

import { exact } from '../time';
import { CommandIDs } from '../tokens';
import { backendsOf } from './backends';
import { EditorCommands } from './commands';
import { makeMenu, openOnce } from './menu_make';
import type { PaneName } from './settings';
import type { PipelineEditor } from './widget';
import { jobLabel } from './widget_lines';

/** How often the age of the job that is shown is said anew, in milliseconds. */
const AGE = 15_000;

/** Fill `toolbar` with what acts on `editor`, which the commands know as `id`. */
export function fillToolbar(
  toolbar: Toolbar,
  editor: PipelineEditor,
  id: string,
  commands: CommandRegistry
): void {
  const { trans } = editor;
  const add = (name: string, item: Widget) => toolbar.addItem(`fasttrack-${name}`, item);
  const args = (more: ReadonlyJSONObject = {}) => ({ editor: id, ...more });
  const button = (name: string, command: string, label: string, more?: ReadonlyJSONObject) => {
    const item = new CommandToolbarButton({ commands, id: command, label, args: args(more) });
    item.addClass('ft-Editor-toolbar-button');
    add(name, item);
  };
  button('run', EditorCommands.run, trans.__('Run'));
  add('run-menu', new MenuButton(trans.__('Other ways to run'), () => runMenu(commands, args())));
  button('plan', EditorCommands.plan, trans.__('Plan'));
  button('stop', EditorCommands.stop, trans.__('Stop'));
  add('backend', new BackendSelect(editor, commands));
  add('job', new JobButton(editor, () => jobMenu(editor, commands, args())));
  button('undo', EditorCommands.undo, '');
  button('redo', EditorCommands.redo, '');
  button('layout', EditorCommands.arrange, '');
  button('fit', EditorCommands.fit, '');
  button('search', EditorCommands.search, '');
  add('spacer', ToolbarItems.createSpacerItem());
  const panes: readonly PaneName[] = ['palette', 'outline', 'canvas', 'yaml', 'dock'];
  panes.forEach(pane =>
    button(pane, EditorCommands.pane, commands.label(EditorCommands.pane, { pane }), { pane })
  );
  button('problems', EditorCommands.problems, trans.__('Problems'));
  button('help', EditorCommands.help, '?');
  editor.stateChanged.connect(() => commands.notifyCommandChanged());
}

/** The menu beside Run. */
function runMenu(commands: CommandRegistry, args: ReadonlyJSONObject): Menu {
  const menu = makeMenu(commands);
  const { run, runWithParams, runFrom, runOnly, runFailed } = EditorCommands;
  [run, runWithParams, runFrom, runOnly, runFailed].forEach(command =>
    menu.addItem({ command, args: { ...args, isMenu: true } })
  );
  menu.addItem({ type: 'separator' });
  [EditorCommands.useCache, EditorCommands.diff].forEach(command =>
    menu.addItem({ command, args: { ...args, isMenu: true } })
  );
  return menu;
}

/** The menu of jobs to show. */
function jobMenu(editor: PipelineEditor, commands: CommandRegistry, args: ReadonlyJSONObject): Menu {
  const { choice, trans } = editor;
  const menu = makeMenu(commands);
  const command = EditorCommands.showJob;
  menu.addItem({ command, args: { ...args, label: trans.__('Editing'), job: null } });
  menu.addItem({ command, args: { ...args, label: trans.__('Latest job, always'), job: 'latest' } });
  menu.addItem({ type: 'separator' });
  for (const job of choice.list) {
    menu.addItem({ command, args: { ...args, label: jobLabel(job, trans), job: job.id } });
  }
  if (choice.hasMore) {
    menu.addItem({ command: EditorCommands.olderJobs, args });
  }
  return menu;
}

/** A button that opens a menu below itself. */
class MenuButton extends ReactWidget {
  constructor(
    protected readonly caption: string,
    private readonly makeMenu: () => Menu
  ) {
    super();
    this.addClass('ft-Editor-toolbar-menu');
  }

  protected open(): void {
    const menu = this.makeMenu();
    const { left, bottom } = this.node.getBoundingClientRect();
    openOnce(menu, left, bottom);
  }

  protected render(): React.ReactElement {
    return (
      <ToolbarButtonComponent icon={caretDownEmptyIcon} tooltip={this.caption} onClick={() => this.open()} />
    );
  }
}

/** Which job is shown; opens the menu of jobs. */
class JobButton extends MenuButton {
  constructor(
    private readonly editor: PipelineEditor,
    makeMenu: () => Menu
  ) {
    super(editor.trans.__('What the canvas shows: the pipeline, or one of its jobs'), makeMenu);
    this.addClass('ft-Editor-toolbar-job');
    editor.stateChanged.connect(this.update, this);
    this.timer = setInterval(() => this.isVisible && this.update(), AGE);
  }

  dispose(): void {
    clearInterval(this.timer);
    super.dispose();
  }

  protected render(): React.ReactElement {
    const { choice, trans } = this.editor;
    const shown = choice.job ?? choice.list.find(each => each.id === choice.id);
    const label =
      choice.id === null ? trans.__('Editing') : shown ? jobLabel(shown, trans) : trans.__('Job …');
    return (
      <ToolbarButtonComponent
        label={choice.isLatest && shown ? trans.__('Latest: %1', label) : label}
        icon={caretDownEmptyIcon}
        tooltip={shown && choice.id !== null ? exact(shown.created_at, trans) : this.caption}
        onClick={() => this.open()}
      />
    );
  }

  private readonly timer: ReturnType<typeof setInterval>;
}

/** The choice that is none: it opens the dialog of clusters. */
const ADD = '+';

/** Where jobs are to run. */
class BackendSelect extends ReactWidget {
  constructor(
    private readonly editor: PipelineEditor,
    private readonly commands: CommandRegistry
  ) {
    super();
    this.addClass('ft-Editor-toolbar-backend');
    editor.stateChanged.connect(this.update, this);
  }

  protected render(): React.ReactElement {
    const { runs, services, trans } = this.editor;
    const known = backendsOf(services);
    const profile = services.clusters?.profiles.find(each => each.backend === runs.backend);
    const where = profile ? trans.__('Where jobs run: %1', profile.endpoint) : trans.__('Where jobs run');
    const backends = known.includes(runs.backend) ? known : [runs.backend, ...known];
    const canAdd = this.commands.hasCommand(CommandIDs.addCluster);
    const add = { value: ADD, label: trans.__('Add a Backend.AI cluster…') };
    return (
      <HTMLSelect
        value={runs.backend}
        aria-label={trans.__('Where jobs run')}
        title={where}
        options={[...backends.map(value => ({ value, label: value })), ...(canAdd ? [add] : [])]}
        onChange={event => this.choose(event.target.value)}
      />
    );
  }

  private choose(value: string): void {
    if (value === ADD) {
      void this.commands.execute(CommandIDs.addCluster);
      this.update();
    } else {
      this.editor.setBackend(value);
    }
  }
}
