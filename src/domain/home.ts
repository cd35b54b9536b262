/** On which shard an owner lives, and whether it is just being moved: then it may write nothing. */
export interface Home {
  shard: number;
  isMoving: boolean;
}
