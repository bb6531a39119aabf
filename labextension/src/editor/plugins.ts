/** What `editor/` adds to JupyterLab. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator } from '@jupyterlab/translation';

import { Api } from '../api';
import { DOMAIN, EXTENSION, FACTORY, FILE_TYPE, IClusters, IJobs, ITaskPanels } from '../tokens';
import { DagCanvas } from './canvas';
import { TaskClipboard } from './clipboard';
import { addEditorCommands } from './commands';
import { addUseCommands } from './commands_cluster';
import { addFileCommands, addToPalette } from './commands_files';
import { pipelineIcon } from './commands_icons';
import type { PipelineDocumentWidget } from './factory';
import { PipelineFactory } from './factory';
import { Outline } from './outline';
import { palettePart } from './palette';
import { TemplateFolders } from './palette_folders';
import { propertiesPart } from './properties';
import { ViewMemory } from './settings';
import type { EditorServices } from './widget';

/** The plugin whose settings these are. */
const SETTINGS = `${EXTENSION}:plugin`;

const editor: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:editor`,
  description: 'Draws, edits, runs and watches pipelines in *.fasttrack.yaml files.',
  autoStart: true,
  requires: [IEditorServices, IRenderMimeRegistry, IJobs, ITaskPanels, ITranslator],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB, IDefaultFileBrowser, ISettingRegistry, IClusters],
  activate: (
    app: JupyterFrontEnd,
    editors: IEditorServices,
    rendermime: IRenderMimeRegistry,
    jobs: IJobs,
    panels: ITaskPanels,
    translator: ITranslator,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    browser: IDefaultFileBrowser | null,
    registry: ISettingRegistry | null,
    clusters: IClusters | null
  ) => {
    const trans = translator.load(DOMAIN);
    const tracker = new WidgetTracker<PipelineDocumentWidget>({ namespace: `${EXTENSION}-editor` });
    const services: EditorServices = {
      api: new Api(app.serviceManager.serverSettings, trans),
      jobs,
      clusters,
      panels,
      trans,
      rendermime,
      memory: new ViewMemory(state),
      clipboard: new TaskClipboard(),
      parts: { properties: propertiesPart, palette: palettePart(templateFolders(registry)) },
      yamlFactory: options => editors.factoryService.newDocumentEditor(options),
      makeCanvas: () => new DagCanvas(trans),
      makeOutline: () => new Outline(trans)
    };
    services.api.cutOff.connect(() => jobs.doubt());
    addFileType(app, trans);
    addFactory(app, services, tracker);
    addEditorCommands(app.commands, tracker, trans);
    addUseCommands(app.commands, tracker, trans);
    addFileCommands({ app, tracker, api: services.api, jobs, trans, browser });
    if (palette) {
      addToPalette(palette, trans);
    }
    if (restorer) {
      void restorer.restore(tracker, {
        command: 'docmanager:open',
        args: widget => ({ path: widget.context.path, factory: FACTORY }),
        name: widget => widget.context.path
      });
    }
  }
};

function templateFolders(registry: ISettingRegistry | null): TemplateFolders {
  const folders = new TemplateFolders();
  registry?.load(SETTINGS).then(
    settings => folders.follow(settings),
    error => console.warn('FastTrack uses its default folder of templates:', error)
  );
  return folders;
}

function addFileType(app: JupyterFrontEnd, trans: TranslationBundle): void {
  app.docRegistry.addFileType({
    name: FILE_TYPE,
    displayName: trans.__('FastTrack pipeline'),
    extensions: ['.fasttrack.yaml', '.fasttrack.yml'],
    mimeTypes: ['text/x-yaml'],
    contentType: 'file',
    fileFormat: 'text',
    icon: pipelineIcon
  });
}

function addFactory(
  app: JupyterFrontEnd,
  services: EditorServices,
  tracker: WidgetTracker<PipelineDocumentWidget>
): void {
  const factory = new PipelineFactory(
    {
      name: FACTORY,
      label: services.trans.__('Pipeline editor'),
      modelName: 'text',
      fileTypes: [FILE_TYPE],
      defaultFor: [FILE_TYPE]
    },
    services,
    app
  );
  let count = 0;
  factory.widgetCreated.connect((_, widget) => {
    widget.id = widget.id || `fasttrack-editor-${++count}`;
    widget.title.icon = pipelineIcon;
    widget.context.pathChanged.connect(() => void tracker.save(widget));
    widget.wire();
    void tracker.add(widget);
  });
  app.docRegistry.addWidgetFactory(factory);
}

/** The plugins, in the order in which they are to be activated. */
export const editorPlugins: JupyterFrontEndPlugin<unknown>[] = [editor];
