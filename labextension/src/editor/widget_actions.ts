/** What a person can do in an editor, whichever way it was asked for: a key, a button, a menu, the mouse. */
import { Notification } from '@jupyterlab/apputils';
import * as React from 'react';

import { ApiError } from '../api';
import { keyTable } from './commands_keys';
import { graphOf, readSource } from './document';
import { freeName, tasksFor } from './drop';
import { tasksIn, textOfTasks } from './edits_tasks';
import type { Edit, Json } from './edits';
import { EditRefused } from './edits';
import type { Position } from './graph';
import type { LazyTemplate } from './parts';
import { pastePlaces } from './paste_places';
import type { PipelineEditor } from './widget';
import type { Dropped } from './widget_graph';
import { KeysHelp } from './widget_sheet';

/** How far apart cards stand that are added one below another, and how large one is with some air. */
const ROW = 84;
const CARD: Position = { x: 200, y: 70 };

/** What a new task does until somebody writes what it should. */
const FIRST_COMMAND = 'echo "hello"';

/** Three tasks that run anywhere, the last of which needs the others. */
const EXAMPLE: readonly Json[] = [
  { name: 'prepare', command: 'seq 10 > /pipeline/outputs/numbers.txt' },
  {
    name: 'count',
    dependencies: ['prepare'],
    command: 'wc -l < /pipeline/input1/numbers.txt > /pipeline/outputs/count.txt'
  },
  {
    name: 'report',
    dependencies: ['count', 'prepare'],
    command: 'cat /pipeline/input1/count.txt /pipeline/input2/numbers.txt'
  }
];

/** See the head of this file. */
export class EditorActions {
  constructor(private readonly editor: PipelineEditor) {}

  /** Add a task at a place (in the view's middle without one), and ask for its name. */
  addTask(position?: Position, after: readonly string[] = this.editor.selected): void {
    const name = freeName('task', this.names());
    this.addTasks([{ name, command: FIRST_COMMAND }], this.freePlace(position ?? this.middle()), after);
    if (this.names().has(name)) {
      this.askName(name);
    }
  }

  /** Add tasks that came from elsewhere; their names are made free. */
  addTasks(tasks: readonly Json[], position: Position, after: readonly string[] = []): void {
    const taken = new Set(this.names());
    const named = tasks.map(task => {
      const given = typeof task === 'object' && task !== null && 'name' in task ? String(task.name) : 'task';
      const name = freeName(given || 'task', taken);
      taken.add(name);
      return { ...(task as Record<string, Json>), name };
    });
    const { canvas } = this.editor;
    named.forEach(({ name }, place) =>
      canvas.placeNext(name, { x: position.x, y: position.y + ROW * place })
    );
    this.editor.edit({ kind: 'add-tasks', tasks: named, after });
  }

  /** What was dropped becomes tasks; what cannot is said. */
  drop({ files, tasks, template, position, onto }: Dropped): void {
    const { editor } = this;
    if (template) {
      void this.addTemplate(template, position);
    }
    const outcome = tasksFor(files, editor.context.path, this.names(), editor.trans);
    const all = [...tasks, ...outcome.tasks];
    if (all.length) {
      this.addTasks(all, position, onto ? [onto] : []);
    }
    if (outcome.refused.length) {
      editor.refuse(outcome.refused.join('\n'));
    }
    editor.canvas.node.focus();
  }

  /** Add the tasks of a template, from a place on downwards; what it cannot be read for is said. */
  async addTemplate(template: LazyTemplate, position: Position): Promise<void> {
    try {
      const edit = { kind: 'paste', text: await template() } as const;
      this.place(edit, position);
      this.editor.edit(edit);
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.editor.refuse([error.message, error.hint].filter(Boolean).join('. '));
    }
  }

  /** Ask for a new name, at the card. */
  askName(name: string): void {
    const { graph, canvas, trans } = this.editor;
    if (this.editor.feed.isFrozen) {
      return;
    }
    const at = canvas.positionsOf([name])[name];
    graph.prompt.ask({
      label: trans.__('Name of the task'),
      value: name,
      at: at && this.under(at),
      onSubmit: to => (to === name ? null : this.editor.edit({ kind: 'rename-task', name, to })),
      onClose: () => canvas.node.focus()
    });
  }

  /** Ask for the text of a remark; without an id, of a new one. */
  askRemark(id?: string, position: Position = this.middle()): void {
    const { graph, canvas, trans, model } = this.editor;
    const remark = model.graph.remarks.find(each => each.id === id);
    const key = id ?? freeName('remark', new Set(model.graph.remarks.map(each => each.id)));
    graph.prompt.ask({
      label: trans.__('Comment (empty removes it)'),
      value: remark?.text ?? '',
      isMultiline: true,
      at: this.under(remark?.position ?? position),
      onSubmit: text =>
        this.editor.edit({
          kind: 'set-remark',
          id: key,
          text: text.trim() || null,
          position: remark?.position ?? position
        }),
      onClose: () => canvas.node.focus()
    });
  }

  /** Search tasks by name. */
  search(): void {
    const { graph, canvas, trans, panes } = this.editor;
    let at = -1;
    panes.toggle('canvas', true);
    graph.prompt.ask({
      label: trans.__('Search a task'),
      value: '',
      stays: true,
      onChange: text => {
        at = -1;
        const found = canvas.find(text).length;
        return text ? trans._n('%1 task found', '%1 tasks found', found) : '';
      },
      onSubmit: text => {
        const found = canvas.find(text);
        at = (at + 1) % Math.max(1, found.length);
        if (found[at]) {
          canvas.reveal(found[at]);
          canvas.select([found[at]]);
        }
        return trans._n('%2 of %1 task', '%2 of %1 tasks', found.length, found.length && at + 1);
      },
      onClose: () => {
        canvas.find('');
        canvas.node.focus();
      }
    });
  }

  /** Show the list of keys. */
  help(): void {
    const { graph, trans } = this.editor;
    const keys = keyTable(trans, /mac/i.test(navigator.platform));
    graph.sheet.open(React.createElement(KeysHelp, { keys, trans, onClose: () => graph.sheet.close() }));
  }

  /** Copy tasks as YAML; of the job's own text while that is shown. */
  async copy(names: readonly string[]): Promise<void> {
    const { feed, choice, model, services, trans } = this.editor;
    const source = feed.isFrozen && choice.text !== null ? readSource(choice.text, trans).source : null;
    const text = source ? textOfTasks(source, names) : model.textOfTasks(names);
    if (text) {
      await services.clipboard.write(text);
    }
  }

  /** Copy tasks, then remove them. */
  async cut(names: readonly string[]): Promise<void> {
    await this.copy(names);
    this.editor.edit({ kind: 'remove-tasks', names });
  }

  /** Add the tasks that are on the clipboard, at a place or beside what there is. */
  async paste(position?: Position): Promise<void> {
    const text = await this.editor.services.clipboard.read();
    if (text.trim()) {
      const edit = { kind: 'paste', text } as const;
      if (position) {
        this.place(edit, position);
      }
      this.editor.edit(edit);
    } else {
      this.editor.refuse(
        this.editor.trans.__('The clipboard is empty: copy tasks first, or a list of tasks as YAML.')
      );
    }
  }

  /** Copy the pipeline of the job that is shown. */
  async copyJobText(): Promise<void> {
    const { choice, services, trans } = this.editor;
    if (choice.text !== null) {
      await services.clipboard.write(choice.text);
      Notification.success(
        trans.__('The pipeline of job #%1 is on the clipboard.', choice.job?.index ?? ''),
        {
          autoClose: 4000
        }
      );
    }
  }

  /** Copy what a task runs. */
  async copyCommand(name: string): Promise<void> {
    const { feed, choice, model, services, trans } = this.editor;
    const source = feed.isFrozen && choice.text !== null ? readSource(choice.text, trans).source : model;
    const task = source.taskData(name) as { command?: unknown } | null;
    await services.clipboard.write(typeof task?.command === 'string' ? task.command : '');
  }

  /** Skip tasks, or skip them no more if all are skipped. */
  toggleSkip(names: readonly string[]): void {
    const tasks = this.editor.model.graph.tasks.filter(task => names.includes(task.name));
    const value = tasks.every(task => task.skip) ? undefined : true;
    this.editor.edit({ kind: 'set-task', names, path: ['skip'], value });
  }

  /** Write the places of tasks into the text, or take them out if all are there. */
  togglePin(names: readonly string[]): void {
    const tasks = this.editor.model.graph.tasks.filter(task => names.includes(task.name));
    const isPinned = tasks.every(task => task.position);
    const positions = isPinned
      ? Object.fromEntries(names.map(name => [name, null]))
      : this.editor.canvas.positionsOf(names);
    this.editor.edit({ kind: 'pin', positions });
  }

  /** Put the example's tasks into an empty pipeline. */
  addExample(): void {
    this.editor.edit({ kind: 'add-tasks', tasks: EXAMPLE });
    this.editor.canvas.arrange();
  }

  private names(): Set<string> {
    return new Set(this.editor.model.graph.tasks.map(task => task.name));
  }

  /** `position`, or the first one below where no card stands yet. */
  private freePlace({ x, y }: Position): Position {
    const taken = Object.values(this.editor.canvas.positionsOf([...this.names()]));
    while (taken.some(at => Math.abs(at.x - x) < CARD.x && Math.abs(at.y - y) < CARD.y)) {
      y += ROW;
    }
    return { x, y };
  }

  /** Say where the tasks that `edit` would add are to stand. */
  private place(edit: Edit & { kind: 'paste' }, position: Position): void {
    const { canvas, model } = this.editor;
    try {
      const { selects } = model.plan(edit);
      const { tasks } = graphOf(tasksIn(edit.text, this.editor.trans));
      const places = pastePlaces(tasks, this.freePlace(position), canvas.viewState().direction);
      selects.forEach((name, place) => canvas.placeNext(name, places[place] ?? position));
    } catch (error) {
      if (!(error instanceof EditRefused)) {
        throw error;
      } // the edit itself is refused in a moment, with the words
    }
  }

  private middle(): Position {
    const box = this.editor.canvas.node.getBoundingClientRect();
    return this.editor.canvas.toModelPosition(box.left + box.width / 2, box.top + box.height / 2);
  }

  private under(position: Position): Position {
    const { x, y } = this.editor.graph.toPane(position);
    return { x: x - 95, y: y + 34 };
  }
}
