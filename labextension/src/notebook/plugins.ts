/** What `notebook/` adds to JupyterLab. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTools, INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import { Api } from '../api';
import { DOMAIN, EXTENSION, IJobs, ITaskPanels } from '../tokens';
import { addNotebookCommands, addToPalette, NotebookCommands } from './commands';
import { addDebugCommand, sendFix } from './debugging';
import { DefaultsTool } from './defaults_tool';
import type { FaceParts } from './face';
import { NotebookFace } from './face';
import { EngineOffers } from './offers';
import { openAsPipeline } from './pipeline';
import type { ToolParts } from './tool';
import { MarkTool } from './tool';

const SHOW_INSPECTOR = 'property-inspector:show-panel';

const notebook: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:notebook`,
  description: 'Marks the cells of notebooks as tasks, and runs notebooks as pipelines.',
  autoStart: true,
  requires: [INotebookTracker, IJobs, ITaskPanels, ITranslator],
  optional: [INotebookTools, ICommandPalette, IDefaultFileBrowser, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    jobs: IJobs,
    panels: ITaskPanels,
    translator: ITranslator,
    tools: INotebookTools | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    documents: IDocumentManager | null
  ) => {
    const trans = translator.load(DOMAIN);
    const api = new Api(app.serviceManager.serverSettings, trans);
    api.cutOff.connect(() => jobs.doubt());
    const faces = new WeakMap<Widget, NotebookFace>();
    const faceOf = (widget: Widget) => faces.get(widget);
    let tool: MarkTool | null = null;
    const showForm = async () => {
      if (app.commands.hasCommand(SHOW_INSPECTOR)) {
        await app.commands.execute(SHOW_INSPECTOR);
      }
      tool?.focus();
    };
    const parts: FaceParts = { app, api, jobs, panels, trans, showForm };
    const add = (panel: NotebookPanel) => {
      faces.set(panel, new NotebookFace(panel, parts));
      void panel.context.ready.then(() => app.commands.notifyCommandChanged(NotebookCommands.fix));
    };
    tracker.forEach(add);
    tracker.widgetAdded.connect((_, panel) => add(panel));
    if (tools) {
      const shared: ToolParts = {
        tracker,
        bookOf: widget => faceOf(widget)?.book,
        offers: new EngineOffers(api),
        trans
      };
      tool = new MarkTool(shared);
      tools.addSection({ sectionName: 'fasttrack', label: trans.__('FastTrack task'), rank: 0, tool });
      tools.addSection({
        sectionName: 'fasttrack-pipeline',
        label: trans.__('FastTrack pipeline'),
        rank: 1,
        tool: new DefaultsTool(shared)
      });
    }
    const openPipeline = (face: NotebookFace) => openAsPipeline(face, { app, documents, trans });
    const debugging = { app, api, trans };
    addDebugCommand(debugging);
    const fix = (panel: NotebookPanel) => sendFix(panel, debugging);
    addNotebookCommands({ app, tracker, faceOf, trans, browser, showForm, openPipeline, fix });
    if (palette) {
      addToPalette(palette, trans);
    }
  }
};

/** The plugins, in the order in which they are to be activated. */
export const notebookPlugins: JupyterFrontEndPlugin<unknown>[] = [notebook];
