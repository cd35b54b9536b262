/**
 * Cuts a list into groups of at most `most` items and, but for single items, a size of `maxSize`
 * each.
 */
export const chunk = <Item>(
  items: readonly Item[],
  {
    most = Infinity,
    maxSize = Infinity,
    sizeOf = () => 0,
  }: { most?: number; maxSize?: number; sizeOf?(item: Item): number },
): Item[][] => {
  const groups: Item[][] = [];
  let size = 0;
  for (const item of items) {
    const group = groups.at(-1);
    size += sizeOf(item);
    if (group && group.length < most && size <= maxSize) group.push(item);
    else {
      groups.push([item]);
      size = sizeOf(item);
    }
  }
  return groups;
};
