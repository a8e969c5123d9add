"""Numbers that are not finite: the loop stops before the update that would keep one."""

from headway.doctor.finding import Case, Finding


def non_finite(case: Case) -> Finding:
    """The run ended because a loss, gradient or parameter was not finite."""
    standing, cause = case.run.standing, ("numbers that are not finite", "exploding-gradient")
    if standing.reason == "non-finite":
        return Finding(
            "numbers that are not finite",
            "exploding-gradient",
            "found",
            (),
            (1, standing.step + 1),
            (standing.message,),
        )
    evidence = (f"Loss, gradients and parameters were finite in all {standing.step} updates.",)
    return Finding(*cause, "ruled out", (), (1, standing.step), evidence)
