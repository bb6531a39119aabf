/** What `services/` adds to JupyterLab: model services and the model registry, in the panel and as tabs. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { launchIcon, listIcon, refreshIcon, ToolbarButton } from '@jupyterlab/ui-components';

import { Api } from '../api';
import { CommandIDs, DOMAIN, EXTENSION, IJobs, IPanelSections } from '../tokens';
import { ServiceChanges } from './changes';
import type { ServingServices } from './context';
import { ModelsView } from './models_view';
import { ServicesView } from './services_view';
import { ServingWidget, type ServingComponent } from './widget';

interface Face {
  command: string;
  title: string;
  component: ServingComponent;
}

const serving: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:services`,
  description: 'Shows which models are served, and the versions of models.',
  autoStart: true,
  requires: [IJobs],
  optional: [ITranslator, ICommandPalette, IPanelSections],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    panel: IPanelSections | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const api = new Api(app.serviceManager.serverSettings, trans);
    api.cutOff.connect(() => jobs.doubt());
    const { changed } = new ServiceChanges(app.serviceManager.events.stream);
    const services: ServingServices = { api, trans, commands: app.commands, changed };
    const faces: Face[] = [
      { command: CommandIDs.openServices, title: trans.__('Services'), component: ServicesView },
      { command: CommandIDs.openModels, title: trans.__('Models'), component: ModelsView }
    ];
    for (const face of faces) {
      app.commands.addCommand(face.command, {
        label: face.title,
        execute: () => openTab(app.shell, services, face)
      });
      palette?.addItem({ command: face.command, category: trans.__('FastTrack') });
      if (panel) {
        addSection(panel, services, face);
      }
    }
  }
};

function addSection(panel: IPanelSections, services: ServingServices, face: Face): void {
  const { commands, trans } = services;
  const widget = new ServingWidget(services, face.component);
  const buttons = [
    new ToolbarButton({
      icon: launchIcon,
      tooltip: trans.__('Open %1 as a tab', face.title),
      onClick: () => void commands.execute(face.command)
    }),
    refreshButton(widget, services)
  ];
  panel.add({ title: face.title, widget, buttons });
}

function openTab(shell: JupyterFrontEnd.IShell, services: ServingServices, face: Face): void {
  const id = face.command.replace(':', '-');
  if (![...shell.widgets('main')].some(each => each.id === id)) {
    const content = new ServingWidget(services, face.component);
    content.addClass('ft-mod-wide');
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    widget.title.icon = listIcon;
    widget.title.label = face.title;
    widget.title.closable = true;
    widget.toolbar.addItem('refresh', refreshButton(content, services));
    shell.add(widget, 'main');
  }
  if ('activateById' in shell) {
    (shell as { activateById(id: string): void }).activateById(id);
  }
}

function refreshButton(widget: ServingWidget, { trans }: ServingServices): ToolbarButton {
  return new ToolbarButton({
    icon: refreshIcon,
    tooltip: trans.__('Ask again'),
    onClick: () => widget.refresh()
  });
}

/** The plugins, in the order in which they are to be activated. */
export const servicesPlugins: JupyterFrontEndPlugin<unknown>[] = [serving];
