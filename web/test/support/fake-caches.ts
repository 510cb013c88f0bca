/** As much of the browser's Cache Storage as the package uses, in memory. */
class FakeCache {
  private readonly kept = new Map<string, { body: ArrayBuffer; type: string | null }>();

  async match(given: string | Request): Promise<Response | undefined> {
    const found = this.kept.get(urlOf(given));
    return found && new Response(found.body.slice(0), found.type ? { headers: { "Content-Type": found.type } } : {});
  }

  async put(given: string | Request, reply: Response): Promise<void> {
    this.kept.set(urlOf(given), { body: await reply.arrayBuffer(), type: reply.headers.get("Content-Type") });
  }

  async delete(given: string | Request): Promise<boolean> {
    return this.kept.delete(urlOf(given));
  }

  async keys(): Promise<Request[]> {
    return [...this.kept.keys()].map((url) => new Request(url));
  }
}

const urlOf = (given: string | Request): string => (typeof given === "string" ? given : given.url);

/** Install an empty one. */
export function installFakeCaches(): void {
  const caches = new Map<string, FakeCache>();
  const open = async (name: string): Promise<FakeCache> => {
    if (!caches.has(name)) caches.set(name, new FakeCache());
    return caches.get(name)!;
  };
  Object.defineProperty(globalThis, "caches", { value: { open }, configurable: true });
}

/** Install a local storage that is empty. */
export function installFakeStorage(): void {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, text: string) => void kept.set(key, text) };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
}
