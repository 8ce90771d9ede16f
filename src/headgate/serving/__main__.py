"""`python -m headgate.serving`: the predictor."""

from headgate.serving.server import main

if __name__ == "__main__":
    main()
