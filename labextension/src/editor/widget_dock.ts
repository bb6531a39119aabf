/**
 * What the panes do by themselves while a job is shown. The palette stands aside: nothing is drawn then. The dock turns
 * to the selected task's log while that runs and when it failed, to its outputs when it has succeeded. A tab that the person turned to stays, and so does a dock that the person
 * closed, until another job is chosen. Escape leaves the dock for the canvas.
 */
import { stateOf } from '../status';
import type { DockTab } from './dock';
import { instanceOf } from './monitor';
import type { PipelineEditor } from './widget';

/** See the head of this file. */
export class DockGuide {
  constructor(private readonly editor: PipelineEditor) {
    editor.choice.chosen.connect(this.onChosen, this);
    editor.canvas.selectionChanged.connect(this.onSelection, this);
    editor.panes.arranged.connect(this.onArranged, this);
    editor.dock.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        editor.canvas.node.focus();
      }
    });
  }

  private onChosen(): void {
    const { dock, choice, panes } = this.editor;
    dock.forgetChoice();
    this.isClosed = false;
    this.wasShown = panes.isShown('dock');
    panes.setAside('palette', choice.id !== null);
    if (choice.id === null) {
      dock.suggest('properties');
    }
  }

  private onSelection(): void {
    const tab = this.tabOfSelected();
    if (tab !== null) {
      this.editor.dock.suggest(tab);
      // under somebody who writes in the text nothing opens: it would move the text away
      if (!this.isClosed && !this.editor.yaml.node.contains(document.activeElement)) {
        this.editor.panes.toggle('dock', true);
      }
    }
  }

  private tabOfSelected(): DockTab | null {
    const { choice, selected } = this.editor;
    const instance = choice.job && selected.length === 1 ? instanceOf(choice.job, selected[0]) : undefined;
    switch (instance && stateOf(instance)) {
      case 'success':
      case 'reused':
        return 'outputs';
      case 'preparing':
      case 'running':
      case 'failure':
      case 'cancelled':
        return 'log';
      default:
        return null;
    }
  }

  private onArranged(): void {
    const isShown = this.editor.panes.isShown('dock');
    if (this.wasShown && !isShown) {
      this.isClosed = true;
    }
    this.wasShown = isShown;
  }

  private isClosed = false;
  private wasShown = false;
}
