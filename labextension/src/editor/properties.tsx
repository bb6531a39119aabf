/**
 * The properties of what is selected: a task, several tasks in what they have in common, or the pipeline where
 * nothing is. A change of a field is one edit; one that is refused says why below its field.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import * as React from 'react';

import { isNotebook } from './document_facts';
import { EditRefused, type Edit, type Json } from './edits';
import type { Graph, Problem } from './graph';
import {
  commonData,
  differing,
  editFor,
  formDataOf,
  isMapping,
  inheritedData,
  pipelineGroups,
  taskGroups,
  type Field,
  type FieldGroup,
  type FormData
} from './properties_fields';
import type { PartContext } from './parts';
import { GroupForm } from './properties_form';
import { HelpScope } from './properties_help';
import { Offers } from './properties_offers';

/** What the form needs of the editor's model. */
export interface IPropertiesModel {
  readonly graph: Graph;
  readonly problems: readonly Problem[];
  readonly selection: readonly string[];
  readonly changed: ISignal<unknown, void>;
  readonly selectionChanged: ISignal<unknown, readonly string[]>;
  taskData(name: string): Json | undefined;
  pipelineData(): Json | undefined;
  /** The task whose text is at an offset. */
  taskAt(offset: number): string | null;
  apply(edit: Edit): void;
}

/** The part of the editor that shows the properties. */
export function propertiesPart(context: PartContext): Widget {
  const panel = new PropertiesPanel(
    context.model,
    new Offers(context.api, () => ownBackend(context.model) ?? context.backend(), context.backends),
    context.trans,
    context.isReadOnly
  );
  context.changed.connect(panel.refresh, panel);
  return panel;
}

/** The backend that the selected tasks name, if it is one. */
function ownBackend(model: IPropertiesModel): string | null {
  const named = new Set(
    model.selection.map(name => {
      const data = model.taskData(name);
      return isMapping(data) && typeof data.backend === 'string' ? data.backend : null;
    })
  );
  return named.size === 1 ? [...named][0] : null;
}

const OPEN_AT_FIRST = new Set(['task', 'pipeline', 'environment', 'resources']);

/** The dock's tab "Properties". */
export class PropertiesPanel extends ReactWidget {
  constructor(
    private readonly model: IPropertiesModel,
    private readonly offers: Offers,
    private readonly trans: TranslationBundle,
    private readonly isReadOnly: () => boolean = () => false
  ) {
    super();
    this.addClass('ft-Properties');
    this.node.setAttribute('role', 'region');
    this.node.tabIndex = -1;
    this.node.setAttribute('aria-label', trans.__('Properties'));
    model.changed.connect(this.update, this);
    model.selectionChanged.connect(this.onSelection, this);
    offers.changed.connect(this.update, this);
  }

  /** Show what holds now, with what there is to offer. */
  refresh(): void {
    if (this.isVisible) {
      void this.offers.refresh();
    }
    this.update();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.offers.refresh();
  }

  /** Put the focus on the first control, as soon as what is selected is shown. */
  protected onActivateRequest(_message: Message): void {
    this.node.focus({ preventScroll: true }); // until then it is here, not nowhere
    this.takesFocus = true;
    this.update();
  }

  protected render(): JSX.Element {
    this.followSelection();
    const names = this.model.selection;
    const many = names.length ? names.map(name => this.model.taskData(name)) : [this.model.pipelineData()];
    const groups = names.length
      ? taskGroups(this.trans, names.length > 1, many.every(isNotebook))
      : pipelineGroups(this.trans);
    const all = many.map(data => formDataOf(groups, data));
    return (
      <HelpScope usual={this.trans.__('A change is written into the YAML at once; undo takes it back.')}>
        <h2 className="ft-Properties-title">{this.titleOf(names)}</h2>
        {this.refusal && (
          <p className="ft-Form-refusal" role="alert">
            {this.refusal}
          </p>
        )}
        <fieldset disabled={this.isReadOnly()} className="ft-Properties-fields">
          {groups.map(group => this.renderGroup(group, commonData(all), differing(all)))}
        </fieldset>
        <Shown onShown={() => this.takeFocus()} />
      </HelpScope>
    );
  }

  private renderGroup(group: FieldGroup, data: FormData, differs: ReadonlySet<string>): JSX.Element {
    const names = this.model.selection;
    return (
      <GroupForm
        key={`${this.formNumber} ${group.id}`}
        group={group}
        context={{
          fields: new Map(group.fields.map(field => [field.id, field])),
          data,
          inherited: this.inherited(),
          offers: this.offers.now,
          tasks: this.model.graph.tasks.map(task => task.name).filter(name => !names.includes(name)),
          references: referencesIn(this.model.pipelineData(), data),
          differing: differs,
          trans: this.trans,
          commit: (field, value) => this.commit(field, data[field.id], value)
        }}
        errors={errorsOf(group, names, this.model)}
        isOpen={this.openGroups.has(group.id)}
        onToggle={isOpen => this.toggle(group.id, isOpen)}
      />
    );
  }

  private inherited(): FormData {
    const isTask = this.model.selection.length > 0;
    return isTask ? inheritedData(this.model.pipelineData(), pipelineGroups(this.trans)) : {};
  }

  private titleOf(names: readonly string[]): string {
    if (names.length === 0) {
      return this.model.graph.name || this.trans.__('Pipeline');
    }
    return names.length === 1 ? names[0] : this.trans._n('%1 task', '%1 tasks', names.length);
  }

  private commit(field: Field, before: Json | undefined, after: Json | undefined): void {
    const edit = editFor(field, this.model.selection, before, after);
    this.refusal = '';
    try {
      if (edit) {
        this.model.apply(edit);
      }
    } catch (error) {
      if (!(error instanceof EditRefused)) {
        throw error;
      }
      this.refusal = error.hint ? `${error.message}. ${error.hint}` : error.message;
    }
    this.update();
  }

  private toggle(id: string, isOpen: boolean): void {
    if (isOpen === this.openGroups.has(id)) {
      return;
    }
    if (isOpen) {
      this.openGroups.add(id);
    } else {
      this.openGroups.delete(id);
    }
    this.update();
  }

  private onSelection(): void {
    this.refusal = '';
    if (this.isVisible) {
      void this.offers.refresh();
    }
    this.update();
  }

  /** Another selection is another form; a task that was renamed keeps its form, and the focus in it. */
  private followSelection(): void {
    const [before, now] = [this.names, this.model.selection];
    if (before.join('\n') !== now.join('\n')) {
      const isGone = !this.model.graph.tasks.some(({ name }) => name === before[0]);
      this.formNumber += before.length === 1 && now.length === 1 && isGone ? 0 : 1;
      this.names = now;
    }
  }

  private takeFocus(): void {
    if (this.takesFocus) {
      this.takesFocus = false;
      this.node.querySelector<HTMLElement>('input, select, textarea, button')?.focus();
    }
  }

  private readonly openGroups = new Set(OPEN_AT_FIRST);
  private names: readonly string[] = [];
  private formNumber = 0;
  private takesFocus = false;
  private refusal = '';
}

/** Expressions that a task's parameters may well hold: the pipeline's parameters, and its own inputs. */
function referencesIn(pipeline: Json | undefined, task: FormData): string[] {
  const params = isMapping(pipeline) && Array.isArray(pipeline.params) ? (pipeline.params as Json[]) : [];
  const names = params.flatMap(each => (isMapping(each) && each.name ? [`params.${String(each.name)}`] : []));
  const inputs = isMapping(task.inputs) ? Object.keys(task.inputs).map(name => `inputs.${name}`) : [];
  return [...names, ...inputs].map(name => `\${{ ${name} }}`);
}

/** Tells each time when what stands before it is in the page. */
function Shown({ onShown }: { onShown: () => void }): null {
  React.useEffect(onShown);
  return null;
}

/** Words of the problems that concern each field of the selected task, or of the pipeline. */
function errorsOf(
  group: FieldGroup,
  names: readonly string[],
  model: Pick<IPropertiesModel, 'problems' | 'taskAt'>
): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const problem of model.problems) {
    const at = problem.path[0] === 'tasks' ? problem.path.slice(2) : problem.path;
    const task = problem.task ?? (problem.path[0] === 'tasks' ? model.taskAt(problem.from) : null);
    const concerns = names.length === 0 ? !task : task === names[0];
    const field = group.fields.find(({ path }) => path.every((key, index) => at[index] === key));
    if (concerns && field) {
      (found[field.id] ??= []).push(problem.hint ? `${problem.message}. ${problem.hint}` : problem.message);
    }
  }
  return found;
}
