/**
 * A growing column of numbers that behaves like a value.
 *
 * A live run appends thousands of points, and a state that is copied with each of them would cost quadratic time.
 * A Column is a view of a shared buffer, as a Go slice is: appending to the newest view writes behind its end, in
 * place; appending to an older view copies first. So a state that was kept never changes under its holder.
 */

interface Shared {
  data: Float64Array;
  used: number;
}

const FIRST_CAPACITY = 256;

export class Column {
  static readonly empty = new Column({ data: new Float64Array(0), used: 0 }, 0);

  private constructor(
    private readonly shared: Shared,
    readonly length: number,
  ) {}

  static of(values: Iterable<number>): Column {
    return Column.empty.append(Array.from(values));
  }

  /** The value at `index`, counted from 0; NaN outside. */
  at(index: number): number {
    return index < 0 || index >= this.length ? NaN : (this.shared.data[index] as number);
  }

  get last(): number {
    return this.at(this.length - 1);
  }

  /** The values without a copy. Not to be written to. */
  view(): Float64Array {
    return this.shared.data.subarray(0, this.length);
  }

  append(values: ArrayLike<number>): Column {
    const needed = this.length + values.length;
    let shared = this.shared;
    if (shared.used !== this.length || needed > shared.data.length) {
      const capacity = needed > shared.data.length ? Math.max(FIRST_CAPACITY, needed * 2) : shared.data.length;
      const data = new Float64Array(capacity);
      data.set(this.view());
      shared = { data, used: this.length };
    }
    shared.data.set(values, this.length);
    shared.used = needed;
    return new Column(shared, needed);
  }

  /** A copy with `value` put at `index`, in the place of what stands there or, with `insert`, before it. */
  with(index: number, value: number, insert: boolean): Column {
    const old = this.view();
    const values = new Float64Array(this.length + (insert ? 1 : 0));
    values.set(old.subarray(0, index));
    values[index] = value;
    values.set(old.subarray(insert ? index : index + 1), index + 1);
    return Column.empty.append(values);
  }

  /** The first index whose value is not below `value`, in a column that rises. */
  lowerBound(value: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
