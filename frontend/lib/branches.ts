/**
 * The ways that a text could have gone on. A branch holds all new tokens since its prompt; one that was begun at a token
 * of another shares what stands before it. Nothing is thrown away, so every way can be gone back to.
 */

export interface Alternative {
  id: number;
  text: string;
  probability: number;
}

export interface Token extends Alternative {
  alternatives: Alternative[];
  /** Chosen by the reader, not drawn. */
  chosen?: boolean;
}

export interface Branch {
  id: number;
  prompt: string;
  parent: number | null;
  /** How many tokens it shares with its parent. */
  shared: number;
  tokens: Token[];
  ended: boolean;
}

/** A branch that goes on with `alternative` in the place of token `index` of `from`. */
export function fork(from: Branch, index: number, alternative: Alternative, id: number): Branch {
  const old = from.tokens[index] as Token;
  const token: Token = { ...alternative, alternatives: old.alternatives, chosen: true };
  return { id, prompt: from.prompt, parent: from.id, shared: index, tokens: [...from.tokens.slice(0, index), token], ended: false };
}

export function textOf(branch: Branch): string {
  return branch.tokens.map((token) => token.text).join("");
}

export interface Row {
  branch: Branch;
  depth: number;
  /** What it says after the place where it left its parent, in a few words. */
  opening: string;
}

/** All branches as a tree in rows: each one under the one that it left. */
export function tree(branches: readonly Branch[], parent: number | null = null, depth = 0): Row[] {
  return branches
    .filter((branch) => branch.parent === parent)
    .flatMap((branch) => {
      const text = branch.tokens.slice(branch.shared).map((token) => token.text).join("");
      return [{ branch, depth, opening: text.trim().replace(/\s+/g, " ").slice(0, 80) }, ...tree(branches, branch.id, depth + 1)];
    });
}

/** How surprising a token was, 0 (certain) to 1 (ten bits or more). */
export function surprise(probability: number): number {
  return Math.min(1, Math.max(0, -Math.log2(Math.max(probability, 1e-9)) / 10));
}
