/** A failure whose next step is known better here than by its code. */
import { Failure, type FailureCode } from '../model/failure.ts';

export class AdvisedFailure extends Failure {
  /** One line: what to do next. */
  readonly advice: string;

  constructor(code: FailureCode, message: string, advice: string) {
    super(code, message);
    this.advice = advice;
  }
}
