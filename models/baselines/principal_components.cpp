#include "models/baselines/principal_components.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <gsl/assert>

namespace tamis::models {
namespace {

using Index = Eigen::Index;

Eigen::MatrixXd covariance_of(std::span<const float> rows, const std::vector<double>& mean) {
    const std::size_t columns = mean.size();
    const std::size_t count = rows.size() / columns;
    Eigen::MatrixXd covariance =
        Eigen::MatrixXd::Zero(static_cast<Index>(columns), static_cast<Index>(columns));
    Eigen::VectorXd centred(static_cast<Index>(columns));
    for (std::size_t row = 0; row < count; ++row) {
        for (std::size_t i = 0; i < columns; ++i) {
            centred(static_cast<Index>(i)) = double{rows[row * columns + i]} - mean[i];
        }
        covariance.selfadjointView<Eigen::Lower>().rankUpdate(centred);
    }
    return covariance / static_cast<double>(count);
}

}  // namespace

PrincipalComponents::PrincipalComponents(std::span<const float> rows, std::size_t columns,
                                         std::size_t keep)
    : columns_(columns), mean_(columns) {
    Expects(columns > 0 && keep < columns && rows.size() >= 2 * columns);
    Expects(rows.size() % columns == 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        mean_[i % columns] += rows[i];
    }
    for (double& mean : mean_) {
        mean /= static_cast<double>(rows.size() / columns);
    }
    // Eigenvalues rise: those kept are the last.
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance_of(rows, mean_));
    Expects(solver.info() == Eigen::Success);
    for (std::size_t i = 0; i < columns; ++i) {
        variances_.push_back(solver.eigenvalues()(static_cast<Index>(columns - 1 - i)));
    }
    for (std::size_t component = 0; component < columns - keep; ++component) {
        for (std::size_t i = 0; i < columns; ++i) {
            dropped_.push_back(
                solver.eigenvectors()(static_cast<Index>(i), static_cast<Index>(component)));
        }
    }
}

double PrincipalComponents::reconstruction_error(std::span<const float> row) const {
    Expects(row.size() == columns_);
    double squares = 0;
    for (std::size_t first = 0; first < dropped_.size(); first += columns_) {
        double along = 0;
        for (std::size_t i = 0; i < columns_; ++i) {
            along += dropped_[first + i] * (double{row[i]} - mean_[i]);
        }
        squares += along * along;
    }
    return squares / static_cast<double>(columns_);
}

}  // namespace tamis::models
