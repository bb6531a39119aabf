/** The palette: kinds of tasks and templates, to drag onto the canvas or to add by a key; what is selected can be kept. */
import { ReactWidget } from '@jupyterlab/ui-components';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import * as React from 'react';

import { ApiError } from '../api';
import type { ValidationView } from '../generated';
import { EditRefused } from './edits';
import { CatalogSection } from './palette_catalogs';
import type { TemplateFolders } from './palette_folders';
import { TASK_MIME, TEMPLATE_MIME, type LazyTemplate, type PartContext, type PartFactory } from './parts';
import {
  contentsRoute,
  keptText,
  matching,
  taskKinds,
  templatePath,
  templatesAmong,
  templateText,
  workspaceFiles,
  type PaletteItem,
  type WorkspaceFile
} from './palette_items';

const DRAG_DISTANCE = 5;

/** Makes the part of the editor that shows the palette; templates are below `folders`. */
export function palettePart(folders: TemplateFolders): PartFactory {
  return context => new Palette(context, folders);
}

/** See the head of this file. */
class Palette extends ReactWidget {
  constructor(
    private readonly context: PartContext,
    private readonly folders: TemplateFolders
  ) {
    super();
    this.addClass('ft-Palette');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', context.trans.__('Palette'));
    context.changed.connect(this.update, this);
    context.model.selectionChanged.connect(this.update, this);
    folders.changed.connect(this.update, this);
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
    const templates = matching(templatesAmong(this.files, this.folders.value, trans), this.query);
    const isReadOnly = this.context.isReadOnly();
    const [folder] = this.folders.value;
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
              'Pipeline files in the folder “%1” are templates. Select tasks and keep them as one, or add a Git repository.',
              folder
            )}
          </p>
        )}
        <CatalogSection
          api={this.context.api}
          trans={trans}
          folders={this.folders.value}
          onChanged={() => void this.refresh()}
        />
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
      const fetchText: LazyTemplate = () => templateText(this.context.api, path);
      mimeData.setData(TEMPLATE_MIME, fetchText);
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

  /** Write the selected tasks as a template, unless what they need is not among them. */
  private async keep(): Promise<void> {
    const { model, api, trans } = this.context;
    const [name] = model.selection;
    await this.saying(async () => {
      const text = keptText(model, model.selection, name, trans);
      const { valid, problems } = await api.send<ValidationView>('POST', 'validate', { text });
      if (!valid) {
        const why = problems.find(each => each.severity === 'error')?.message ?? '';
        return trans.__('Not kept, for it would not run by itself: %1. Select what it needs as well.', why);
      }
      const path = templatePath(this.folders.value[0], name, new Set(this.files.map(file => file.path)));
      await api.send('PUT', contentsRoute(path), { text });
      await this.refresh();
      return trans.__('Kept as %1', path);
    });
  }

  private async saying(work: () => Promise<string>): Promise<void> {
    try {
      this.said = await work();
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof EditRefused)) {
        throw error;
      }
      this.said = [error.message, error.hint].filter(Boolean).join('. ');
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
