/** What a form can offer besides typing: images, slots, vfolders and secrets' names of the chosen backend. */
import { Signal, type ISignal } from '@lumino/signaling';

import type { Api } from '../api';
import type { FolderView } from '../generated';

/** An image that can be named. */
export interface ImageOffer {
  name: string;
  kind: string;
  description: string;
  /** Whether it can be used without a wait. */
  ready: boolean;
}

/** One resource slot of a backend, in written quantities (`16g`, `4`). */
export interface SlotOffer {
  name: string;
  total: string;
  used: string;
}

/** What was told is believed so long, in milliseconds. */
const FRESH = 20_000;

/** Asks the server when told, and not again soon; while it is away there is nothing to offer, and typing works. */
export class Offers {
  constructor(
    private readonly api: Api,
    private readonly backend: () => string = () => 'local'
  ) {}

  /** Images, the ready ones first. */
  images: readonly ImageOffer[] = [];
  /** Slots with their totals. */
  slots: readonly SlotOffer[] = [];
  /** Names of vfolders. */
  folders: readonly string[] = [];
  /** Names of secrets. */
  secrets: readonly string[] = [];

  /** After each answer. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Ask again if it was long ago, or of another backend. Never fails: what cannot be had stays as it was. */
  async refresh(): Promise<void> {
    const backend = this.backend();
    if (this.asked.backend === backend && Date.now() - this.asked.at < FRESH) {
      return;
    }
    this.asked = { backend, at: Date.now() };
    const [images, slots, folders, secrets] = await Promise.allSettled([
      this.api.get<ImageOffer[]>('images', { backend }),
      this.api.get<{ slots: Record<string, { total: string; used: string }> }>('slots', { backend }),
      this.api.get<FolderView[]>('folders'),
      this.api.get<{ name: string }[]>('secrets')
    ]);
    this.images = sortedImages(valueOf(images) ?? this.images);
    this.slots = slotOffers(valueOf(slots)?.slots) ?? this.slots;
    this.folders = valueOf(folders)?.map(folder => folder.name) ?? this.folders;
    this.secrets = valueOf(secrets)?.map(secret => secret.name) ?? this.secrets;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private asked = { backend: '', at: 0 };
}

function valueOf<T>(settled: PromiseSettledResult<T>): T | undefined {
  return settled.status === 'fulfilled' ? settled.value : undefined;
}

function sortedImages(images: readonly ImageOffer[]): ImageOffer[] {
  return [...images].sort((a, b) => Number(b.ready) - Number(a.ready) || a.name.localeCompare(b.name));
}

function slotOffers(slots?: Record<string, { total: string; used: string }>): SlotOffer[] | undefined {
  return slots && Object.entries(slots).map(([name, { total, used }]) => ({ name, total, used }));
}
