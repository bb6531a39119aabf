/** What each edit wants the pipeline to be, as data; what no pipeline may be is refused here, in words. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { graphOf } from './document';
import { freeName, isTaskName } from './document_names';
import { nameHint } from './document_problems';
import { isObject, nameOf, type Source } from './document_source';
import { EditRefused, type Edit, type Json } from './edits';
import { renamed, without, withValue } from './edits_data';
import { spelled, spelledPath } from './edits_generation';
import { renamedTasks, tasksIn, textOfTasks } from './edits_tasks';
import type { RawTasks } from './edits_write';
import { cycleClosedBy, cycleWords, isBehindFinal, type Graph, type Position } from './graph';

type Data = { readonly [key: string]: Json };

/** The pipeline as it should be, and what is selected in it. */
export interface Wanted {
  data: Json;
  selects: readonly string[];
  raw?: RawTasks;
}

const CANVAS = 'x-canvas';

/** See the head of this file; one text, one edit. */
export class Editing {
  private readonly data: Data;
  private readonly tasks: readonly Json[];
  private readonly graph: Graph;

  constructor(
    private readonly source: Source,
    private readonly trans: TranslationBundle
  ) {
    this.data = isObject(source.data) ? source.data : {};
    this.tasks = Array.isArray(this.data.tasks) ? this.data.tasks : [];
    this.graph = graphOf(source);
  }

  /** What `edit` wants; throws EditRefused. */
  want(edit: Edit): Wanted {
    switch (edit.kind) {
      case 'add-tasks':
        return this.add(edit.tasks, edit.after ?? []);
      case 'remove-tasks':
        return this.remove(edit.names);
      case 'rename-task':
        return this.rename(edit.name, edit.to);
      case 'connect':
        return this.connect(edit.from, edit.to);
      case 'disconnect':
        return this.disconnect(edit.from, edit.to);
      case 'order-dependencies':
        return this.order(edit.name, edit.order);
      case 'set-task':
        return this.setTasks(edit.names, edit.path, edit.value);
      case 'set-pipeline':
        return this.setPipeline(edit.path, edit.value);
      case 'paste':
        return this.insert(tasksIn(edit.text, this.trans));
      case 'duplicate':
        edit.names.forEach(name => this.place(name));
        return this.insert(tasksIn(textOfTasks(this.source, edit.names), this.trans));
      case 'pin':
        return this.pin(edit.positions);
      case 'set-remark':
        return this.remark(edit.id, edit.text, edit.position);
    }
  }

  private place(name: string): number {
    const place = this.tasks.findIndex(task => nameOf(task) === name);
    if (place < 0) {
      throw new EditRefused(
        this.trans.__("There is no task '%1'", name),
        this.trans.__('Look whether it was renamed.')
      );
    }
    return place;
  }

  private names(): Set<string> {
    return new Set(this.tasks.flatMap(task => nameOf(task) ?? []));
  }

  private checkName(name: string): void {
    if (!isTaskName(name)) {
      throw new EditRefused(this.trans.__("A task may not be named '%1'", name), nameHint(name, this.trans));
    }
    if (this.names().has(name)) {
      throw new EditRefused(
        this.trans.__("There is a task '%1' already", name),
        this.trans.__("call it '%1'", freeName(name, this.names()))
      );
    }
  }

  private withTasks(tasks: readonly Json[], data: Data = this.data): Data {
    return { ...data, tasks };
  }

  private changed(place: number, task: Json): Data {
    return this.withTasks(this.tasks.map((one, number) => (number === place ? task : one)));
  }

  private add(added: readonly Json[], after: readonly string[]): Wanted {
    const taken = this.names();
    after.forEach(name => this.place(name));
    const tasks = added.map(task => {
      const name = nameOf(task);
      if (!isObject(task) || name === null) {
        throw new EditRefused(
          this.trans.__('A task needs a name'),
          this.trans.__('write a name, such as train')
        );
      }
      if (!isTaskName(name)) {
        throw new EditRefused(
          this.trans.__("A task may not be named '%1'", name),
          nameHint(name, this.trans)
        );
      }
      const own = freeName(name, taken);
      taken.add(own);
      return withDependencies(spelled({ ...task, name: own }, this.data), after);
    });
    return {
      data: this.withTasks([...this.tasks, ...tasks]),
      selects: tasks.flatMap(task => nameOf(task) ?? [])
    };
  }

  private insert(pasted: Source): Wanted {
    const taken = this.names();
    const names = new Map<string, string>();
    for (const task of pasted.tasks) {
      const name = nameOf(task.data) ?? '';
      const own = freeName(name, taken);
      taken.add(own);
      names.set(name, own);
    }
    const changed = new Map([...names].filter(([name, own]) => name !== own));
    const { tasks, raw } = renamedTasks(pasted, changed, this.trans);
    return { data: this.withTasks([...this.tasks, ...tasks]), selects: [...names.values()], raw };
  }

  private remove(names: readonly string[]): Wanted {
    const gone = new Set(names);
    names.forEach(name => this.place(name));
    const left = this.tasks.filter(task => !gone.has(nameOf(task) ?? ''));
    const tasks = left.map(task => {
      const list =
        isObject(task) && Array.isArray(task.dependencies) ? (task.dependencies as readonly Json[]) : [];
      const kept = list.filter(one => !gone.has(String(one)));
      return kept.length === list.length ? task : withoutEmpty(task as Data, 'dependencies', kept);
    });
    const positions = names.map((name): [string, null] => [name, null]);
    return { data: this.pinned(this.withTasks(tasks), positions), selects: [] };
  }

  private rename(name: string, to: string): Wanted {
    const place = this.place(name);
    if (to === name) {
      return { data: this.source.data, selects: [name] };
    }
    this.checkName(to);
    const names = new Map([[name, to]]);
    const tasks = this.tasks.map((task, number) =>
      renamed(
        number !== place && nameOf(task) === name && isObject(task) ? without(task, 'name') : task,
        names
      )
    );
    const kept = tasks.map((task, number) => (nameOf(task) === null ? this.tasks[number] : task));
    const position = this.graph.tasks.find(task => task.name === name)?.position;
    const data = this.withTasks(kept);
    const moves: [string, Position | null][] = position
      ? [
          [name, null],
          [to, position]
        ]
      : [];
    return { data: this.pinned(data, moves), selects: [to] };
  }

  private connect(from: string, to: string): Wanted {
    const place = this.place(to);
    this.place(from);
    const needs = this.graph.tasks.find(task => task.name === to)?.dependencies ?? [];
    if (needs.includes(from)) {
      return { data: this.source.data, selects: [] };
    }
    this.refuseFinal(from, to);
    const cycle = cycleClosedBy(this.graph, from, to);
    if (cycle) {
      throw new EditRefused(
        this.trans.__('These tasks would wait for each other: %1', cycleWords(cycle)),
        this.trans.__('Remove one of these dependencies first, or draw the arrow the other way round.')
      );
    }
    return { data: this.changed(place, withDependencies(this.tasks[place], [from])), selects: [] };
  }

  private refuseFinal(from: string, to: string): void {
    if (isBehindFinal(this.graph, { from, to })) {
      throw new EditRefused(
        this.trans.__("Task '%1' is final: it runs when all others have ended", from),
        this.trans.__("Make '%1' a final task as well.", to)
      );
    }
  }

  private disconnect(from: string, to: string): Wanted {
    const place = this.place(to);
    const task = this.tasks[place] as Data;
    const list = Array.isArray(task.dependencies) ? (task.dependencies as readonly Json[]) : [];
    const kept = list.filter(one => String(one) !== from);
    if (kept.length === list.length) {
      this.refuseImplied(from, to);
      return { data: this.source.data, selects: [] };
    }
    return { data: this.changed(place, withoutEmpty(task, 'dependencies', kept)), selects: [] };
  }

  private refuseImplied(from: string, to: string): void {
    if (this.graph.tasks.find(task => task.name === to)?.implied.includes(from)) {
      throw new EditRefused(
        this.trans.__("Task '%1' uses an output of '%2', and so needs it", to, from),
        this.trans.__('Remove the input or the expression that names it.')
      );
    }
  }

  private order(name: string, order: readonly string[]): Wanted {
    const place = this.place(name);
    const task = this.tasks[place] as Data;
    const list = Array.isArray(task.dependencies) ? (task.dependencies as readonly Json[]).map(String) : [];
    const first = order.filter(one => list.includes(one));
    const next = [...first, ...list.filter(one => !first.includes(one))];
    return {
      data: this.changed(place, next.length ? { ...task, dependencies: next } : task),
      selects: [name]
    };
  }

  private setTasks(
    names: readonly string[],
    path: readonly (string | number)[],
    value: Json | undefined
  ): Wanted {
    if (path[0] === 'name') {
      return this.rename(names[0] ?? '', String(value ?? ''));
    }
    const places = new Set(names.map(name => this.place(name)));
    const tasks = this.tasks.map((task, place) => {
      if (!places.has(place)) {
        return task;
      }
      const next = withValue(task, spelledPath(path, task), value);
      return isObject(next) && nameOf(next) !== null
        ? spelledIfType(next, path, this.data)
        : this.refuseNameless(task);
    });
    return { data: this.withTasks(tasks), selects: names };
  }

  private refuseNameless(task: Json): never {
    throw new EditRefused(
      this.trans.__("Task '%1' would have no name any more", nameOf(task) ?? ''),
      this.trans.__('Remove the task instead.')
    );
  }

  private setPipeline(path: readonly (string | number)[], value: Json | undefined): Wanted {
    const data = path.length ? (withValue(this.data, path, value) ?? {}) : value;
    if (!isObject(data)) {
      throw new EditRefused(
        this.trans.__('A pipeline is a mapping of keys'),
        this.trans.__('Set one of its keys.')
      );
    }
    return { data, selects: [] };
  }

  private pin(positions: Readonly<Record<string, Position | null>>): Wanted {
    Object.entries(positions).forEach(([name, position]) => position && this.place(name));
    return { data: this.pinned(this.data, Object.entries(positions)), selects: [] };
  }

  private pinned(data: Data, positions: readonly (readonly [string, Position | null])[]): Json {
    const canvas = isObject(data[CANVAS]) ? data[CANVAS] : {};
    const known = isObject(canvas.positions) ? canvas.positions : {};
    const gone = new Set(positions.filter(([, position]) => position === null).map(([name]) => name));
    const kept = Object.entries(known).filter(([name]) => !gone.has(name));
    const next: Json = Object.fromEntries([
      ...kept,
      ...positions.flatMap(([name, at]): [string, Json][] => (at ? [[name, pointOf(at)]] : []))
    ]);
    const isSame =
      positions.length === 0 || (kept.length === Object.keys(known).length && gone.size === positions.length);
    const value = Object.keys(next).length ? next : undefined;
    return isSame ? data : (withValue(data, [CANVAS, 'positions'], value) ?? {});
  }

  private remark(id: string, text: string | null, position: Position | undefined): Wanted {
    const canvas = isObject(this.data[CANVAS]) ? this.data[CANVAS] : {};
    const remarks = isObject(canvas.remarks) ? canvas.remarks : {};
    const known = isObject(remarks[id]) ? remarks[id] : {};
    const at = position ? pointOf(position) : (known.at ?? [0, 0]);
    const value = text === null ? undefined : { ...known, text, at };
    return { data: withValue(this.data, [CANVAS, 'remarks', id], value) ?? {}, selects: [] };
  }
}

function pointOf({ x, y }: Position): Json {
  return [Math.round(x), Math.round(y)];
}

function withDependencies(task: Json, names: readonly string[]): Json {
  const list =
    isObject(task) && Array.isArray(task.dependencies) ? (task.dependencies as readonly Json[]) : [];
  const added = names.filter(name => !list.includes(name));
  return isObject(task) && added.length ? { ...task, dependencies: [...list, ...added] } : task;
}

function withoutEmpty(task: Data, key: string, list: readonly Json[]): Json {
  return list.length ? { ...task, [key]: list } : without(task, key);
}

function spelledIfType(task: Json, path: readonly (string | number)[], data: Json): Json {
  return path[0] === 'type' ? spelled(task, data) : task;
}
