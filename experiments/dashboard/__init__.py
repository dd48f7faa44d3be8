"""The live page: a read-only web application on loopback that follows runs in progress, several beside each other.

following.py reads logs as they grow, app.py answers requests. Figures are those of experiments/report/.
"""
