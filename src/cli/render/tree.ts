/** Nodes as a tree: whoever receives from another stands below it. Loops, which only a mistake makes, end at their first node. */

export interface TreeNode {
  readonly name: string;
  readonly parent: string | null;
}

export interface TreeLine {
  readonly name: string;
  /** `├─ `, `│  └─ `, … */
  readonly branch: string;
}

export function treeLines(nodes: readonly TreeNode[]): TreeLine[] {
  const known = new Set(nodes.map((node) => node.name));
  const shown = new Set<string>();
  const lines: TreeLine[] = [];
  const show = (name: string, branch: string, below: string): void => {
    shown.add(name);
    lines.push({ name, branch });
    const children = nodes.filter((node) => node.parent === name && !shown.has(node.name));
    for (const [index, child] of children.entries()) {
      const last = index === children.length - 1;
      show(child.name, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
    }
  };
  for (const node of nodes) if (node.parent === null || !known.has(node.parent)) show(node.name, "", "");
  // What is left hangs in a loop.
  for (const node of nodes) if (!shown.has(node.name)) show(node.name, "", "");
  return lines;
}
