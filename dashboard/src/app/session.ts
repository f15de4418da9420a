// Who uses the page, and how they like it: the token, the owner's last choice, theme and time zone. Kept in the
// browser's storage; the token for the tab alone, unless asked to keep it.

type Listener = () => void;

const TOKEN = "berth.token";

function storages(): Storage[] {
  return [sessionStorage, localStorage];
}

class Session {
  private listeners = new Set<Listener>();
  private token: string | null;
  private wasRefused = false;

  constructor() {
    this.token =
      storages()
        .map((storage) => storage.getItem(TOKEN))
        .find((token) => token !== null) ?? null;
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** The state, as a text that changes with it. */
  snapshot = (): string => `${this.token === null ? "none" : "token"}:${this.wasRefused}`;

  get hasToken(): boolean {
    return this.token !== null;
  }

  /** Whether the server said 401 to what was sent last. */
  get isRefused(): boolean {
    return this.wasRefused;
  }

  headers(): Record<string, string> {
    return this.token === null ? {} : { Authorization: `Token ${this.token}` };
  }

  signIn(token: string, keep: boolean): void {
    this.signOut();
    this.token = token.trim();
    (keep ? localStorage : sessionStorage).setItem(TOKEN, this.token);
    this.changed();
  }

  signOut(): void {
    for (const storage of storages()) storage.removeItem(TOKEN);
    this.token = null;
    this.wasRefused = false;
    this.changed();
  }

  refused(): void {
    if (this.wasRefused) return;
    this.wasRefused = true;
    this.changed();
  }
}

export const session = new Session();
