/** A bug to be planted: in one file of the compiled product, one piece of text is another. */
export interface Plant {
  /** What is wrong then, for people; also its name. */
  readonly title: string;
  /** Below the compiled product's folder. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}
