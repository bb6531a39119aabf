/** Questions before something is lost: the only things that stand in the way. */
import { Dialog, showDialog } from '@jupyterlab/apputils';

/** Ask whether it is meant; `deed` is on the button that says so. */
export async function isMeant(title: string, body: string, deed: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: deed })];
  return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
}
