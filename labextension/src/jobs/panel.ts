/** The panel at the left: how the connection is, pipelines, jobs, resources. */
import {
  ReactWidget,
  SidePanel,
  Toolbar,
  ToolbarButton,
  addIcon,
  fileUploadIcon,
  PanelWithToolbar,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { AccordionPanel, Widget } from '@lumino/widgets';
import * as React from 'react';

import type { IPanelSections, PanelSection } from '../tokens';
import { pipelineIcon } from './icons';
import { JobsListWidget, type JobsListActions } from './jobs_list';
import type { JobsList } from './jobs_list_model';
import type { Jobs } from './model';
import { ConnectionNote } from './panel_parts';
import { PipelinesWidget, type PipelinesActions } from './pipelines';
import type { Pipelines } from './pipelines_model';
import { ResourcesNowWidget } from './resources_now';
import type { ResourcesNow } from './resources_now_model';

/** What the panel shows and does. */
export interface PanelParts {
  jobs: Jobs;
  list: JobsList;
  pipelines: Pipelines;
  resources: ResourcesNow;
  jobsActions: JobsListActions;
  pipelinesActions: PipelinesActions;
  /** Sign in to a cluster. */
  addCluster: () => void;
}

/** The panel's id, by which the shell keeps its place. */
export const PANEL_ID = 'fasttrack-panel';

/** The panel. */
export class Panel extends SidePanel implements IPanelSections {
  constructor(
    private readonly parts: PanelParts,
    translator: ITranslator,
    trans: TranslationBundle
  ) {
    super({ translator });
    this.id = PANEL_ID;
    this.addClass('jp-ft-panel');
    this.title.icon = pipelineIcon;
    this.title.caption = trans.__('Pipelines');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Pipelines'));
    this.header.addWidget(
      ReactWidget.create(React.createElement(ConnectionNote, { jobs: parts.jobs, trans }))
    );
    this.jobsWidget = new JobsListWidget(parts.list, parts.jobsActions, trans);
    this._addSections(trans);
    this._spread();
  }

  /** The section of jobs. */
  readonly jobsWidget: JobsListWidget;

  /** See {@link IPanelSections}. */
  add(section: PanelSection): IDisposable {
    const made = this._addSection(section.title, section.widget, section.buttons);
    this._accordion.collapse(this._accordion.widgets.indexOf(made));
    if (!this.isVisible) {
      this._spread(); // before there is any height, folding one away takes that of all the others
    }
    this._accordion.expansionToggled.connect((accordion, index) => {
      if (accordion.widgets[index] === made && !made.isHidden) {
        // one that was folded from the beginning has no height to come back to
        accordion.setRelativeSizes(
          accordion.widgets.map(each => (each === made ? 4 : each.isHidden ? 0 : 2))
        );
      }
    });
    return new DisposableDelegate(() => made.dispose());
  }

  /** Dispose of what the sections show as well. */
  dispose(): void {
    if (!this.isDisposed) {
      [this.parts.list, this.parts.pipelines, this.parts.resources].forEach(part => part.dispose());
      super.dispose();
    }
  }

  /** Give the sections that are open their heights; jobs have the most. */
  private _spread(): void {
    const { widgets } = this._accordion;
    this._accordion.setRelativeSizes(widgets.map((each, at) => (each.isHidden ? 0 : at === 1 ? 4 : 2)));
  }

  private _addSections(trans: TranslationBundle): void {
    const { list, pipelines, resources, pipelinesActions } = this.parts;
    this._addSection(trans.__('Pipelines'), new PipelinesWidget(pipelines, pipelinesActions, trans), [
      button(addIcon, trans.__('New pipeline'), () => pipelinesActions.create()),
      button(fileUploadIcon, trans.__('Import a pipeline'), () => pipelinesActions.import()),
      button(refreshIcon, trans.__('Look for pipelines again'), () => void pipelines.reload())
    ]);
    this._addSection(trans.__('Jobs'), this.jobsWidget, [
      button(refreshIcon, trans.__('Fetch jobs again'), () => void list.reload())
    ]);
    this._addSection(trans.__('Resources'), new ResourcesNowWidget(resources, trans), [
      button(addIcon, trans.__('Add a Backend.AI cluster…'), () => this.parts.addCluster())
    ]);
  }

  private _addSection(title: string, widget: Widget, buttons: readonly Widget[]): Widget {
    const section = new PanelWithToolbar({ toolbar: new Toolbar() });
    section.addClass('jp-ft-section');
    section.title.label = title;
    section.addWidget(widget);
    buttons.forEach((each, at) => section.toolbar.addItem(String(at), each));
    this.addWidget(section);
    return section;
  }

  private get _accordion(): AccordionPanel {
    return this.content as AccordionPanel;
  }
}

function button(icon: LabIcon, tooltip: string, onClick: () => void): ToolbarButton {
  return new ToolbarButton({ icon, tooltip, onClick });
}
