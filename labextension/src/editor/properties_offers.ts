/** What a form can offer besides typing: images, slots, groups, vfolders and secrets' names of the chosen backend. */
import { Signal, type ISignal } from '@lumino/signaling';

import { word, type Api } from '../api';
import type { ClusterFolder, ClusterImage, ClusterView, FolderView } from '../generated';

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

/** What one backend was last known to have. */
interface Offered {
  images: readonly ImageOffer[];
  slots: readonly SlotOffer[];
  folders: readonly string[];
  groups: readonly string[];
  projects: readonly string[];
}

const NOTHING: Offered = { images: [], slots: [], folders: [], groups: [], projects: [] };

/** What there is to offer at one moment: another value after each answer, by which a form knows that it has changed. */
export interface OffersNow extends Offered {
  /** Names of secrets. */
  secrets: readonly string[];
  /** All backends that there are. */
  backends: readonly string[];
}

/** What may stand in a field that is otherwise free text, by the field's id. */
export function choicesOf(offers: OffersNow, field: string): readonly string[] {
  switch (field) {
    case 'backend':
      return offers.backends;
    case 'environment.scaling-group':
      return offers.groups;
    case 'environment.project':
      return offers.projects;
    default:
      return [];
  }
}

/** Asks the server when told, and not again soon; while it is away there is nothing to offer, and typing works. */
export class Offers {
  constructor(
    private readonly api: Pick<Api, 'get'>,
    private readonly backend: () => string = () => 'local',
    /** All backends that there are. */
    private readonly known: () => readonly string[] = () => ['local']
  ) {}

  /** All of it, as it is now. */
  get now(): OffersNow {
    return { ...this.offered, secrets: this.secrets, backends: this.known() };
  }

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
    const before = this.asked.backend === backend ? this.offered : NOTHING;
    this.asked = { backend, at: Date.now() };
    const isCluster = backend.startsWith('backend.ai');
    const [offered, secrets] = await Promise.all([
      isCluster ? this.ofCluster(backend, before) : this.ofOther(backend, before),
      this.valueOf<{ name: string }[]>('secrets')
    ]);
    this.secrets = secrets?.map(secret => secret.name) ?? this.secrets;
    if (this.asked.backend === backend) {
      this.offered = offered;
      this._changed.emit();
    }
  }

  private async ofOther(backend: string, before: Offered): Promise<Offered> {
    const [images, slots, folders] = await Promise.all([
      this.valueOf<ImageOffer[]>('images', backend),
      this.valueOf<{ slots: Slots }>('slots', backend),
      this.valueOf<FolderView[]>('folders', backend)
    ]);
    return {
      ...NOTHING,
      images: images ? sortedImages(images) : before.images,
      slots: slots ? slotOffers(slots.slots) : before.slots,
      folders: folders?.map(folder => folder.name) ?? before.folders
    };
  }

  private async ofCluster(backend: string, before: Offered): Promise<Offered> {
    const place = `clusters/${word(backend)}`;
    const [images, slots, folders, view] = await Promise.all([
      this.valueOf<ClusterImage[]>(`${place}/images`),
      this.valueOf<{ slots: Slots }>('slots', backend),
      this.valueOf<ClusterFolder[]>(`${place}/folders`),
      this.valueOf<ClusterView>(place)
    ]);
    return {
      images: images?.map(imageOffer) ?? before.images,
      slots: slots ? slotOffers(slots.slots) : before.slots,
      folders: folders?.map(folder => folder.name) ?? before.folders,
      groups: view?.groups.filter(group => group.is_active).map(group => group.name) ?? before.groups,
      projects: view?.projects.map(project => project.name) ?? before.projects
    };
  }

  private async valueOf<T>(path: string, backend?: string): Promise<T | undefined> {
    try {
      return await this.api.get<T>(path, backend === undefined ? {} : { backend });
    } catch {
      return undefined; // the connection's own words are elsewhere, and typing works
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private secrets: readonly string[] = [];
  private offered = NOTHING;
  private asked = { backend: '', at: 0 };
}

type Slots = Record<string, { total: string; used: string }>;

function sortedImages(images: readonly ImageOffer[]): ImageOffer[] {
  return [...images].sort((a, b) => Number(b.ready) - Number(a.ready) || a.name.localeCompare(b.name));
}

function slotOffers(slots: Slots): SlotOffer[] {
  return Object.entries(slots).map(([name, { total, used }]) => ({ name, total, used }));
}

/** An image of a cluster, with the accelerators that it is made for. */
function imageOffer({ name, accelerators, architectures, is_installed }: ClusterImage): ImageOffer {
  const made = accelerators.filter(each => each !== '*').map(each => each.toUpperCase());
  return {
    name,
    kind: 'image',
    description: [...made, ...architectures].join(' · '),
    ready: is_installed
  };
}
