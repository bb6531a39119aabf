/** Menus as JupyterLab draws them, whose entry for another menu says what it is to a screen reader as well. */
import { MenuSvg } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Menu } from '@lumino/widgets';

/** A menu of commands. */
export function makeMenu(commands: CommandRegistry): Menu {
  return new MenuSvg({ commands, renderer: new Renderer() });
}

/** Open a menu at a point of the page; when it closes it is disposed of, and its menus with it. */
export function openOnce(menu: Menu, x: number, y: number): void {
  menu.aboutToClose.connect(() =>
    setTimeout(() => [...menu.items.map(item => item.submenu), menu].forEach(each => each?.dispose()), 0)
  );
  menu.open(x, y);
}

class Renderer extends MenuSvg.Renderer {
  createItemARIA(data: Menu.IRenderData): ReturnType<Menu.Renderer['createItemARIA']> {
    const aria = super.createItemARIA(data);
    return data.item.type === 'submenu' ? { ...aria, role: 'menuitem' } : aria;
  }
}
