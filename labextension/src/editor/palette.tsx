/** The palette: kinds of tasks and templates, to drag onto the canvas or to add by a key; what is selected can be kept. */
import { ReactWidget } from '@jupyterlab/ui-components';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type { Widget } from '@lumino/widgets';
import * as React from 'react';

import { ApiError } from '../api';
import { TASK_MIME, type PartContext } from './parts';
import {
  matching,
  taskKinds,
  templatePath,
  templatesAmong,
  templateText,
  workspaceFiles,
  type PaletteItem,
  type WorkspaceFile
} from './palette_items';

/** Lumino drag data of a template: the text of a pipeline whose tasks are to be added. */
export const TEMPLATE_MIME = 'application/x-fasttrack-template';

/** The folders of templates, where the settings name none. */
export const TEMPLATE_FOLDERS: readonly string[] = ['templates'];

const DRAG_DISTANCE = 5;

/** The part of the editor that shows the palette. */
export function palettePart(context: PartContext): Widget {
  return new Palette(context);
}

/** See the head of this file. */
class Palette extends ReactWidget {
  constructor(private readonly context: PartContext) {
    super();
    this.addClass('ft-Palette');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', context.trans.__('Palette'));
    context.changed.connect(this.update, this);
    context.model.selectionChanged.connect(this.update, this);
    void this.refresh();
  }

  /** Look for templates again. */
  async refresh(): Promise<void> {
    this.files = await workspaceFiles(this.context.api);
    this.update();
  }

  protected render(): JSX.Element {
    const { trans, model } = this.context;
    const kinds = matching(taskKinds(trans), this.query);
    const templates = matching(templatesAmong(this.files, TEMPLATE_FOLDERS, trans), this.query);
    const isReadOnly = this.context.isReadOnly();
    return (
      <>
        <input
          className="jp-mod-styled ft-Palette-search"
          type="search"
          aria-label={trans.__('Search the palette')}
          placeholder={trans.__('Search')}
          value={this.query}
          onChange={event => {
            this.query = event.target.value;
            this.update();
          }}
        />
        <Section title={trans.__('Tasks')} items={kinds} isReadOnly={isReadOnly} palette={this} />
        <Section title={trans.__('Templates')} items={templates} isReadOnly={isReadOnly} palette={this} />
        {templates.length === 0 && !this.query && (
          <p className="ft-Palette-hint">
            {trans.__(
              'Pipeline files in the folder “%1” are templates. Select tasks and keep them as one, or clone a Git repository there.',
              TEMPLATE_FOLDERS[0]
            )}
          </p>
        )}
        <p className="ft-Palette-said" role="status">
          {this.said}
        </p>
        <div className="ft-Palette-foot">
          <button
            type="button"
            className="jp-mod-styled"
            disabled={model.selection.length === 0}
            onClick={() => void this.keep()}
          >
            {trans.__('Keep selection as template')}
          </button>
          <button type="button" className="jp-mod-styled" onClick={() => void this.refresh()}>
            {trans.__('Refresh')}
          </button>
        </div>
      </>
    );
  }

  /** Add an item behind what is selected. */
  async add(item: PaletteItem): Promise<void> {
    const { model, apply } = this.context;
    if ('task' in item.adds) {
      apply({ kind: 'add-tasks', tasks: [item.adds.task], after: model.selection });
    } else {
      const { template } = item.adds;
      await this.saying(async () => {
        apply({ kind: 'paste', text: await templateText(this.context.api, template) });
        return '';
      });
    }
  }

  /** Begin to drag an item. */
  async drag(item: PaletteItem, x: number, y: number): Promise<void> {
    const mimeData = new MimeData();
    if ('task' in item.adds) {
      mimeData.setData(TASK_MIME, item.adds.task);
    } else {
      const path = item.adds.template;
      mimeData.setData(TEMPLATE_MIME, () => templateText(this.context.api, path));
    }
    const dragImage = document.createElement('div');
    dragImage.className = 'ft-Palette-drag';
    dragImage.textContent = item.label;
    await new Drag({
      mimeData,
      dragImage,
      proposedAction: 'copy',
      supportedActions: 'copy',
      source: this
    }).start(x, y);
  }

  /** Write the selected tasks as a template. */
  private async keep(): Promise<void> {
    const { model, api, trans } = this.context;
    const [name] = model.selection;
    await this.saying(async () => {
      const path = templatePath(TEMPLATE_FOLDERS[0], name, new Set(this.files.map(file => file.path)));
      const text = `name: ${JSON.stringify(name)}\n${model.textOfTasks(model.selection)}`;
      await api.send('PUT', `files/${path.split('/').map(encodeURIComponent).join('/')}`, { text });
      await this.refresh();
      return trans.__('Kept as %1', path);
    });
  }

  private async saying(work: () => Promise<string>): Promise<void> {
    try {
      this.said = await work();
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.said = error.hint ? `${error.message}. ${error.hint}` : error.message;
    }
    this.update();
  }

  private files: readonly WorkspaceFile[] = [];
  private query = '';
  private said = '';
}

function Section(props: {
  title: string;
  items: readonly PaletteItem[];
  isReadOnly: boolean;
  palette: Palette;
}): JSX.Element {
  if (props.items.length === 0) {
    return <></>;
  }
  return (
    <section>
      <h3>{props.title}</h3>
      <ul>
        {props.items.map(item => (
          <li key={item.id}>
            <ItemButton item={item} isReadOnly={props.isReadOnly} palette={props.palette} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function ItemButton(props: { item: PaletteItem; isReadOnly: boolean; palette: Palette }): JSX.Element {
  const { item, palette } = props;
  const pressed = React.useRef<{ x: number; y: number } | null>(null);
  const wasDragged = React.useRef(false);
  const onMove = (event: React.PointerEvent): void => {
    const from = pressed.current;
    if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > DRAG_DISTANCE) {
      pressed.current = null;
      wasDragged.current = true;
      void palette.drag(item, event.clientX, event.clientY);
    }
  };
  return (
    <button
      type="button"
      className="ft-Palette-item"
      disabled={props.isReadOnly}
      title={item.description}
      onPointerDown={event => {
        wasDragged.current = false;
        pressed.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerMove={onMove}
      onPointerUp={() => (pressed.current = null)}
      onPointerLeave={onMove}
      onClick={() => {
        if (!wasDragged.current) {
          void palette.add(item);
        }
      }}
    >
      <span className="ft-Palette-face" aria-hidden="true">
        {item.face}
      </span>
      <span className="ft-Palette-label">
        {item.label}
        <small>{item.description}</small>
      </span>
    </button>
  );
}
