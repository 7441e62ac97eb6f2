/**
 * A Storage with the rules that were measured in Chromium: the keys and values of an origin have 5,242,880
 * UTF-16 code units in all, a setItem beyond throws QuotaExceededError and keeps the old value.
 */
export class QuotaStorage implements Storage {
  private readonly items = new Map<string, string>();
  used = 0;
  writes = 0;

  constructor(readonly quota = 5_242_880) {}

  get length(): number {
    return this.items.size;
  }

  key(i: number): string | null {
    return [...this.items.keys()][i] ?? null;
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.writes++;
    const old = this.items.get(key);
    const used = this.used - (old === undefined ? 0 : key.length + old.length) + key.length + value.length;
    if (used > this.quota) throw new DOMException("exceeded the quota", "QuotaExceededError");
    this.used = used;
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    const old = this.items.get(key);
    if (old !== undefined) this.used -= key.length + old.length;
    this.items.delete(key);
  }

  clear(): void {
    this.items.clear();
    this.used = 0;
  }

  keys(): string[] {
    return [...this.items.keys()];
  }
}
