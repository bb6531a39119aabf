/** The profiles of this home: who one is on which cluster. Keys go to the server and never come back. */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { word, type Api } from '../api';
import type { ProfileCheck, ProfileRequest, ProfileView } from '../generated';
import type { IClusters, IJobs } from '../tokens';
import { type Trouble, troubleOf } from '../words';

/** What is asked of the server. */
export type ProfilesApi = Pick<Api, 'get' | 'send'>;

/** See the head of this file. */
export class Profiles implements IClusters, IDisposable {
  constructor(
    private readonly api: ProfilesApi,
    private readonly jobs: Pick<IJobs, 'connection' | 'connectionChanged' | 'doubt'>
  ) {
    jobs.connectionChanged.connect(this.onConnection, this);
    this.onConnection();
  }

  /** See {@link IClusters}. */
  profiles: readonly ProfileView[] = [];

  /** Whether there was an answer. */
  isLoaded = false;

  /** Why the last question was not answered. */
  trouble: Trouble | null = null;

  /** See {@link IClusters}. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether this asks no more. */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask no more. */
  dispose(): void {
    this._isDisposed = true;
    this.jobs.connectionChanged.disconnect(this.onConnection, this);
    Signal.clearData(this);
  }

  /** Ask which there are. Never fails: see `trouble`. */
  async reload(): Promise<void> {
    try {
      this.profiles = await this.api.get<ProfileView[]>('profiles');
      [this.isLoaded, this.trouble] = [true, null];
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    this._changed.emit();
  }

  /** Make or change a profile; the server asks the cluster first. Throws what it answered. */
  async put(name: string, request: Partial<ProfileRequest>): Promise<ProfileView> {
    const view = await this.api.send<ProfileView>('PUT', `profiles/${word(name)}`, request);
    await this.look();
    return view;
  }

  /** Ask a profile's cluster who one is there. Throws what it answered. */
  check(name: string): Promise<ProfileCheck> {
    return this.api.send<ProfileCheck>('POST', `profiles/${word(name)}/check`, {});
  }

  /** Forget a profile and its keys; `setAside`: also if unfinished jobs need it. Throws what the server answered. */
  async remove(name: string, setAside: boolean): Promise<void> {
    await this.api.send('DELETE', `profiles/${word(name)}`, undefined, { set_aside: setAside });
    await this.look();
  }

  private async look(): Promise<void> {
    await this.reload();
    this.jobs.doubt(); // the server's word on itself names the backends
  }

  private onConnection(): void {
    if (this.jobs.connection === 'connected') {
      void this.reload();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}
